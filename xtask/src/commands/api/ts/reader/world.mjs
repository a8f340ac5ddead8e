// Both versions of a package in one program of the TypeScript compiler, and where each name in them is
// defined.
//
// Every top-level name of a package's file can be imported in here, exported or not: a line at the end of
// each file sees to it.

import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { references } from "./references.mjs";
import { ts } from "./typescript.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {import("typescript").SourceFile} SourceFile */
/** @typedef {import("typescript").Symbol} Symbol */
/** @typedef {import("typescript").Program} Program */
/**
 * A file with what the compiler notes of it. The public types leave these members out, because they may
 * change in any version; they name the keys of tables by a type of their own, which is a string.
 *
 * @typedef {{ exports?: Map<string, Symbol> }} Module
 * @typedef {{ locals?: Map<string, Symbol>, symbol?: Symbol & Module }} Bound once it is in a program
 * @typedef {{ parseDiagnostics?: import("typescript").DiagnosticWithLocation[] }} Parsed
 * @typedef {SourceFile & Bound & Parsed} Source
 * @typedef {{ getSourceFile(file: string): Source | undefined, getSourceFiles(): readonly Source[] }} Sources
 */

/** What a top-level name is called for us. */
export const HANDLE = "__xtask_";
const { PossiblyContainsDynamicImport } = /** @type {any} */ (ts.NodeFlags);
/** Options of the compiler that change the types which it infers. */
const STRICTNESS = [
  "strict",
  "strictNullChecks",
  "strictBindCallApply",
  "strictBuiltinIteratorReturn",
  "noImplicitAny",
  "noUncheckedIndexedAccess",
  "useUnknownInCatchVariables",
];
/** Options that say which file an import of the package's own sources means. */
const ALIASES = ["baseUrl", "paths", "pathsBasePath"];
const PROBE = "__xtask_probe.ts";

/**
 * Where something is defined: in the package, or outside of it.
 *
 * @typedef {"old" | "new"} Side a version of the package
 * @typedef {{ side: Side, file: string, path: string[], outside?: undefined }} Located
 * @typedef {{ outside: string, side?: undefined, file?: undefined, path?: undefined }} Outside
 */

export class World {
  // Nothing asks for them before `load`.
  program = /** @type {Sources & Program} */ (/** @type {unknown} */ (undefined));
  checker = /** @type {import("typescript").TypeChecker} */ (/** @type {unknown} */ (undefined));

  /** @param {Record<Side, string>} roots the folders of both versions */
  constructor(roots) {
    this.roots = { old: realpathSync(roots.old), new: realpathSync(roots.new) };
    this.probe = join(this.roots.new, PROBE);
    this.probeText = "";
    /** The root files of the program. @type {string[]} */
    this.files = [];
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
    /** What the compiler declares of source files. @type {Map<string, string>} */
    this.declared = new Map();
    /** What the compiler's parser refuses. @type {{ file: string, line: number, text: string }[]} */
    this.broken = [];
    // A program with other root files asks for all files again; each is parsed once.
    /** @type {Map<string, SourceFile>} */
    this.parsed = new Map();
    this.host.getSourceFile = (file, target) => {
      if (file === this.probe) return ts.createSourceFile(file, this.probeText, target);
      if (this.parsed.has(file)) return this.parsed.get(file);
      const text = this.declared.get(file) ?? this.host.readFile(file);
      if (text === undefined) return undefined;
      const source = ts.createSourceFile(file, text, target);
      this.parsed.set(file, this.side(file) ? this.opened(source) : source);
      return this.parsed.get(file);
    };
    const exists = this.host.fileExists.bind(this.host);
    this.host.fileExists = (file) => file === this.probe || exists(file);
    this.host.getCurrentDirectory = () => this.roots.new;
    const cached = (/** @type {import("typescript").CompilerOptions} */ own) => {
      const options = { ...this.options, ...own };
      const cache = ts.createModuleResolutionCache(this.roots.new, (name) => name, options);
      return { options, cache };
    };
    const resolution = {
      old: cached(configured(this.roots.old, ALIASES)),
      new: cached(configured(this.roots.new, ALIASES)),
    };
    this.cache = resolution.new.cache;
    // Specifiers in a file of questions are paths.
    /** @type {import("typescript").CompilerHost["resolveModuleNameLiterals"]} */
    this.resolve = (literals, file, redirected) =>
      literals.map(({ text }) => {
        if (file === this.probe && text.startsWith("/"))
          return { resolvedModule: { resolvedFileName: text, extension: extension(text) } };
        const { options, cache } = resolution[this.side(file) ?? "new"];
        const found = ts.resolveModuleName(text, file, options, this.host, cache, redirected);
        if (file !== this.probe) this.imported(file, text, found.resolvedModule);
        return found;
      });
    this.host.resolveModuleNameLiterals = this.resolve;
    /** Has what this file imports declarations? @type {Record<"old" | "new", Map<string, boolean>>} */
    this.imports = { old: new Map(), new: new Map() };
  }

  /**
   * The program of these files.
   * What `@types` packages declare for everyone is large: they are read where a name is not known without.
   *
   * @param {string[]} files
   */
  load(files) {
    this.files = files;
    this.create();
    if (this.broken.length > 0) return;
    if (this.sources().some((one) => !one.isDeclarationFile)) this.declare();
    if (ambient(this.roots.new).length === 0) return;
    // The compiler has a symbol for what it does not know, too.
    const unknown = (/** @type {SourceFile} */ source) =>
      references(source, this.checker).some(({ symbol }) => !symbol?.declarations);
    if (!this.sources().some(unknown)) return;
    this.options.types = ambient(this.roots.new);
    this.create();
  }

  /** Source files are compared by their declarations: types that nobody wrote are part of them. */
  declare() {
    const { JsxEmit } = ts;
    const options = {
      ...this.options,
      ...{ declaration: true, emitDeclarationOnly: true, noEmit: false, jsx: JsxEmit.Preserve },
      ...configured(this.roots.new, STRICTNESS),
      // Not beside a source, where another file may be.
      declarationDir: join(this.roots.new, HANDLE),
      types: ambient(this.roots.new),
    };
    const host = ts.createCompilerHost(options);
    host.resolveModuleNameLiterals = this.resolve;
    const program = ts.createProgram(this.files, options, host);
    for (const source of this.sources().filter((one) => !one.isDeclarationFile)) {
      const { fileName } = source;
      program.emit(
        program.getSourceFile(fileName),
        (_, text) => this.declared.set(fileName, text),
        undefined,
        true,
      );
      this.parsed.delete(fileName);
    }
    this.create();
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

  /**
   * Remembers whether an import has declarations: a file's own, and any file's from a package.
   *
   * @param {string} file
   * @param {string} text the specifier
   * @param {import("typescript").ResolvedModuleFull | undefined} found
   */
  imported(file, text, found) {
    const side = this.side(file);
    if (!side || /\.(?![cm]?[jt]sx?$)\w+$/.test(text)) return;
    const typed = found !== undefined && !/^\.[cm]?jsx?$/.test(found.extension);
    const known = this.imports[side];
    const key = text.startsWith(".") ? `${this.relative(file)}\0${text}` : `\0${text}`;
    known.set(key, typed || (known.get(key) ?? false));
  }

  /** Imports of the new version without declarations, which the old one had: { file, text }. */
  lostImports() {
    return [...this.imports.new]
      .filter(([key, typed]) => !typed && this.imports.old.get(key) !== false)
      .filter(([key]) => !key.startsWith("\0") || this.imports.old.has(key))
      .map(([key]) => ({ file: key.split("\0")[0], text: key.split("\0")[1] }));
  }

  /** What the new version imports from packages, as it is written. */
  packages() {
    return [...this.imports.new.keys()].flatMap((key) =>
      key.startsWith("\0") ? [key.slice(1)] : [],
    );
  }

  /** The same with a file of questions. @param {string} text */
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

  /** The version that a file of the package itself belongs to. @param {string} file */
  side(file) {
    const inside = (/** @type {string} */ root) =>
      file.startsWith(`${root}/`) && !file.slice(root.length).includes("/node_modules/");
    /** @type {Side[]} */
    const sides = ["new", "old"];
    return sides.find((side) => inside(this.roots[side])) ?? null;
  }

  /** The path in its version of the package. @param {string} file */
  relative(file) {
    const side = this.side(file);
    return side ? relative(this.roots[side], file) : null;
  }

  /** The same file with the handles of its names. @param {Source} source @returns {SourceFile} */
  opened(source) {
    const { fileName } = source;
    const text = withoutPatterns(source);
    if (text !== source.text)
      return this.opened(ts.createSourceFile(fileName, text, this.options.target));
    for (const { start, messageText } of source.parseDiagnostics ?? [])
      this.broken.push({
        file: fileName,
        line: source.getLineAndCharacterOfPosition(start).line + 1,
        text: ts.flattenDiagnosticMessageText(messageText, " "),
      });
    if (!/\.[cm]?tsx?$/.test(fileName) || !ts.isExternalModule(source)) return source;
    const equals = source.statements.filter(ts.isExportAssignment).find((s) => s.isExportEquals);
    const handles = [...topLevel(source)].map((name) => `${name} as ${HANDLE}${name}`);
    const exported =
      equals && ts.isIdentifier(equals.expression)
        ? [`${equals.expression.text} as "export="`]
        : [];
    const end = `\nexport { ${[...handles, ...exported].join(", ")} };\n`;
    // A file can't have both; what it exports is still there by its handle. Its comments stay: they may be
    // `/// <reference path="…" />`.
    if (equals) {
      const start = equals.getStart(source);
      const kept =
        text.slice(0, start) +
        text.slice(start, equals.end).replace(/[^\n]/g, " ") +
        text.slice(equals.end);
      return ts.createSourceFile(fileName, kept + end, this.options.target);
    }
    // Only what is new is parsed.
    const span = ts.createTextSpan(text.length, 0);
    const whole = ts.updateSourceFile(
      source,
      text + end,
      ts.createTextChangeRange(span, end.length),
    );
    // Parts that are not parsed again would lose that they import something.
    /** @type {any} */ (whole).flags |= source.flags & PossiblyContainsDynamicImport;
    return whole;
  }

  /**
   * What a symbol means, behind imports and re-exports.
   *
   * @template {Symbol | undefined} T
   * @param {T} symbol
   * @returns {T | Symbol}
   */
  resolved(symbol) {
    return symbol && symbol.flags & ts.SymbolFlags.Alias
      ? this.checker.getAliasedSymbol(symbol)
      : symbol;
  }

  /**
   * The file of the package that a module's declarations, as it is named in quotes, are added to.
   *
   * @param {SourceFile} source
   * @param {string} quoted
   */
  augmented(source, quoted) {
    const name = quoted.slice(1, -1);
    if (!name.startsWith(".")) return null;
    const { resolvedModule: found } = ts.resolveModuleName(
      name,
      source.fileName,
      this.options,
      this.host,
      this.cache,
    );
    return found && this.side(found.resolvedFileName) ? found.resolvedFileName : null;
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
    const side = this.side(source.fileName);
    // `declare module "./index"` adds to a file of the package: its names are there.
    const added = side && /^["']/.test(path[0] ?? "") ? this.augmented(source, path[0]) : null;
    if (side && added) return { side, file: added, path: path.slice(1) };
    // What is merged with declarations of others has no place of its own.
    if (path.some((name) => name === "global" || (side && /^["']/.test(name)))) return null;
    if (this.program.isSourceFileDefaultLibrary(source)) return null;
    if (side) return ts.isExternalModule(source) ? { side, file: source.fileName, path } : null;
    if (!ts.isExternalModule(source) && !path.some((name) => /^["']/.test(name))) return null;
    const inside = source.fileName.slice(
      source.fileName.lastIndexOf("/node_modules/") + "/node_modules/".length,
    );
    return { outside: `${inside}#${path.join(".")}` };
  }
}

/**
 * Declarations that are written by hand may name several constants at once: each gets a type of its own, as
 * the compiler declares it.
 *
 * @param {SourceFile} source
 */
function withoutPatterns(source) {
  const declarations = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => [...declarationList.declarations]);
  return declarations.reduceRight((text, { name, type }) => {
    if (!type || ts.isIdentifier(name)) return text;
    const list = bound(source, name, `(${type.getText(source)})`).join(", ");
    return text.slice(0, name.getStart(source)) + list + text.slice(type.end);
  }, source.text);
}

/**
 * Each name in a pattern, with its type.
 *
 * @param {SourceFile} source
 * @param {import("typescript").BindingPattern} pattern
 * @param {string} type of the whole
 * @returns {string[]}
 */
function bound(source, pattern, type) {
  return pattern.elements.flatMap((element, i) => {
    if (ts.isOmittedExpression(element)) return [];
    const key = element.propertyName ?? element.name;
    const written = ts.isComputedPropertyName(key)
      ? key.expression.getText(source)
      : JSON.stringify(key.getText(source).replace(/["']/g, ""));
    const own = `${type}[${ts.isArrayBindingPattern(pattern) ? i : written}]`;
    const inner = element.dotDotDotToken ? type : own;
    return ts.isIdentifier(element.name)
      ? [`${element.name.text}: ${inner}`]
      : bound(source, element.name, inner);
  });
}

/**
 * What a table of the compiler has under a name: the compiler writes leading underscores in its own way.
 *
 * @param {Map<string, Symbol> | undefined} table
 * @param {string} name
 */
export function inTable(table, name) {
  return table?.get(/** @type {any} */ (ts.escapeLeadingUnderscores(name)));
}

/** @param {string} file */
function extension(file) {
  return /\.d\.[cm]?ts$/.exec(file)?.[0] ?? ".ts";
}

/**
 * Options of the package's own tsconfig.json. Those that decide which types its sources get are asked of the
 * new version for both: its users do not write these types, so they know those that the author sees, and
 * users' own options do not change with a release.
 *
 * @param {string} root
 * @param {string[]} names
 * @returns {import("typescript").CompilerOptions}
 */
function configured(root, names) {
  const file = join(root, "tsconfig.json");
  if (!existsSync(file)) return {};
  const { config } = ts.readConfigFile(file, ts.sys.readFile);
  const host = { ...ts.sys, readDirectory: () => [] };
  const { options } = ts.parseJsonConfigFileContent(config ?? {}, host, root);
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name)));
}

/** What brings global types: the `@types` that are there. @param {string} root */
function ambient(root) {
  const folder = join(root, "node_modules/@types");
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith(".")) : [];
}

/** @param {Node} node */
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

/** @param {{ name?: Node | undefined }} declaration */
export function nameOf(declaration) {
  return declaration.name ? declaration.name.getText() : "default";
}

/**
 * Everything that a file names at its top: what it declares, and what it imports.
 *
 * @param {SourceFile} source
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one branch for each kind of node
export function topLevel(source) {
  /** @type {Set<string>} */
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

/** @param {import("typescript").ImportClause | undefined} clause @param {Set<string>} names */
function imported(clause, names) {
  if (clause?.name) names.add(clause.name.text);
  const bindings = clause?.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings)) names.add(bindings.name.text);
  if (bindings && ts.isNamedImports(bindings)) {
    for (const element of bindings.elements) names.add(element.name.text);
  }
}
