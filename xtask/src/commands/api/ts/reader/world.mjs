// Both versions of a package in one program of the TypeScript compiler, and where each name in them is
// defined.
//
// Every top-level name of a package's file can be imported in here, exported or not: a line at the end of
// each file sees to it.

import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { references } from "./references.mjs";
import { ts } from "./typescript.mjs";

/** What a top-level name is called for us. */
export const HANDLE = "__xtask_";
const PROBE = "__xtask_probe.ts";

/**
 * Where something is defined: in the package, or outside of it.
 *
 * @typedef {{ side: string, file: string, path: string[], outside?: undefined }} Located
 * @typedef {{ outside: string, side?: undefined, file?: undefined, path?: undefined }} Outside
 */

export class World {
  constructor(roots) {
    this.roots = { old: realpathSync(roots.old), new: realpathSync(roots.new) };
    this.probe = join(this.roots.new, PROBE);
    this.options = {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      customConditions: ["node"],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      /** @type {string[]} */
      types: [],
      typeRoots: [join(this.roots.new, "node_modules/@types")],
    };
    this.host = ts.createCompilerHost(this.options, true);
    const read = this.host.readFile.bind(this.host);
    this.host.readFile = (file) => (this.side(file) ? this.opened(file, read(file)) : read(file));
    this.host.getSourceFile = (file, target) => {
      const text = file === this.probe ? this.probeText : this.host.readFile(file);
      return text === undefined ? undefined : ts.createSourceFile(file, text, target);
    };
    const exists = this.host.fileExists.bind(this.host);
    this.host.fileExists = (file) => file === this.probe || exists(file);
    this.host.getCurrentDirectory = () => this.roots.new;
    const cache = ts.createModuleResolutionCache(this.roots.new, (name) => name, this.options);
    // Specifiers in a file of questions are paths.
    this.host.resolveModuleNameLiterals = (literals, file, redirected, options) =>
      literals.map(({ text }) => {
        if (file === this.probe && text.startsWith("/"))
          return { resolvedModule: { resolvedFileName: text, extension: extension(text) } };
        return ts.resolveModuleName(text, file, options, this.host, cache, redirected);
      });
  }

  /**
   * The program of these files.
   * What `@types` packages declare for everyone is large: they are read where a name is not known without.
   */
  load(files) {
    this.files = files;
    this.create();
    const unknown = (source) => references(source, this.checker).some(({ symbol }) => !symbol);
    if (!this.sources().some(unknown)) return;
    this.options.types = ambient(this.roots.new);
    if (this.options.types.length > 0) this.create();
  }

  create() {
    this.program = ts.createProgram({
      rootNames: this.files,
      options: this.options,
      host: this.host,
      oldProgram: this.program,
    });
    this.checker = this.program.getTypeChecker();
  }

  /** The files of the package, of both versions. */
  sources() {
    return this.program.getSourceFiles().filter((source) => this.side(source.fileName));
  }

  /** The same with a file of questions. */
  ask(text) {
    this.probeText = text;
    const rootNames = [...this.files, this.probe];
    const program = ts.createProgram({
      rootNames,
      options: this.options,
      host: this.host,
      oldProgram: this.program,
    });
    const file = /** @type {import("typescript").SourceFile} */ (program.getSourceFile(this.probe));
    return { checker: program.getTypeChecker(), file };
  }

  /** "old" or "new" for a file of the package itself. */
  side(file) {
    const inside = (root) =>
      file.startsWith(`${root}/`) && !file.slice(root.length).includes("/node_modules/");
    return ["new", "old"].find((side) => inside(this.roots[side])) ?? null;
  }

  relative(file) {
    const side = this.side(file);
    return side ? relative(this.roots[side], file) : null;
  }

  opened(file, text) {
    if (text === undefined || !/\.[cm]?ts$/.test(file)) return text;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
    if (!ts.isExternalModule(source)) return text;
    const equals = source.statements.filter(ts.isExportAssignment).find((s) => s.isExportEquals);
    // A file can't have both; what it exports is still there by its handle.
    const kept = equals
      ? text.slice(0, equals.pos) +
        text.slice(equals.pos, equals.end).replace(/[^\n]/g, " ") +
        text.slice(equals.end)
      : text;
    const handles = [...topLevel(source)].map((name) => `${name} as ${HANDLE}${name}`);
    const whole =
      equals && ts.isIdentifier(equals.expression)
        ? [`${equals.expression.text} as "export="`]
        : [];
    return `${kept}\nexport { ${[...handles, ...whole].join(", ")} };\n`;
  }

  resolved(symbol) {
    return symbol && symbol.flags & ts.SymbolFlags.Alias
      ? this.checker.getAliasedSymbol(symbol)
      : symbol;
  }

  /**
   * Where a symbol is defined: { side, file, path } in the package, { outside } elsewhere, null for what has
   * no name of its own (parameters, type parameters) and what is known everywhere (Promise, Array).
   *
   * @param {import("typescript").Symbol | undefined} symbol
   * @returns {Located | Outside | null}
   */
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one branch for each kind of node
  locate(symbol) {
    const declaration = symbol?.declarations?.[0];
    if (!declaration) return null;
    const source = declaration.getSourceFile();
    const path = [];
    for (
      let at = /** @type {import("typescript").Node} */ (declaration);
      at && !ts.isSourceFile(at);
      at = at.parent
    ) {
      if (ts.isTypeParameterDeclaration(at) || ts.isParameter(at)) return null;
      if (isDeclaration(at)) path.unshift(nameOf(at));
      else if (
        !ts.isModuleBlock(at) &&
        !ts.isVariableDeclarationList(at) &&
        !ts.isVariableStatement(at) &&
        !ts.isEnumMember(at)
      )
        return null;
    }
    if (path.includes("global") || this.program.isSourceFileDefaultLibrary(source)) return null;
    const side = this.side(source.fileName);
    if (side) return ts.isExternalModule(source) ? { side, file: source.fileName, path } : null;
    if (!ts.isExternalModule(source) && !path.some((name) => /^["']/.test(name))) return null;
    const inside = source.fileName.slice(
      source.fileName.lastIndexOf("/node_modules/") + "/node_modules/".length,
    );
    return { outside: `${inside}#${path.join(".")}` };
  }
}

function extension(file) {
  return /\.d\.[cm]?ts$/.exec(file)?.[0] ?? ".ts";
}

/** What brings global types: the `@types` that are there. */
function ambient(root) {
  const folder = join(root, "node_modules/@types");
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith(".")) : [];
}

export function isDeclaration(node) {
  return (
    ts.isInterfaceDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isEnumDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isVariableDeclaration(node) ||
    ts.isModuleDeclaration(node)
  );
}

export function nameOf(declaration) {
  return declaration.name ? declaration.name.getText() : "default";
}

/** Everything that a file names at its top: what it declares, and what it imports. */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one branch for each kind of node
export function topLevel(source) {
  const names = new Set();
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const d of statement.declarationList.declarations) {
        if (ts.isIdentifier(d.name)) names.add(d.name.text);
      }
    } else if (isDeclaration(statement) && statement.name && ts.isIdentifier(statement.name))
      names.add(statement.name.text);
    else if (ts.isImportEqualsDeclaration(statement)) names.add(statement.name.text);
    else if (ts.isImportDeclaration(statement)) imported(statement.importClause, names);
  }
  names.delete("global");
  return names;
}

function imported(clause, names) {
  if (clause?.name) names.add(clause.name.text);
  const bindings = clause?.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings)) names.add(bindings.name.text);
  if (bindings && ts.isNamedImports(bindings)) {
    for (const element of bindings.elements) names.add(element.name.text);
  }
}
