// The text of a type, with every name in it replaced by one that means the same in a file of questions.
// Names of the old version mean what has the same place in the new one, so that a change is found where
// it is and not wherever it is used.

import { body, resemble } from "./likeness.mjs";
import { references } from "./references.mjs";
import { ts } from "./typescript.mjs";
import { HANDLE, inTable, topLevel } from "./world.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {import("./references.mjs").Defined} Defined */
/** @typedef {import("./world.mjs").Located} Located */
/** @typedef {import("./world.mjs").World} World */
/** @typedef {{ file: string, name: string }} Top a name at the top of a file */
/** @typedef {{ text: string, same: string }} Text for the compiler, and for comparing two versions */
/** @typedef {Map<Defined | "this", string>} Names symbols of type parameters to what stands for them */

export class Texts {
  /**
   * @param {World} world
   * @param {Map<string, Top>} matches a name of the old version, `file#name`, to
   *   the one of the new version that has its place
   */
  constructor(world, matches) {
    this.world = world;
    this.matches = matches;
    /** @type {Map<string, string>} */
    this.imports = new Map();
    /** What is defined outside, to a file that imports it. @type {Map<string, Top>} */
    this.outside = new Map();
    for (const source of world.program.getSourceFiles()) {
      if (world.side(source.fileName) !== "new") continue;
      for (const [local, symbol] of source.locals ?? []) {
        if (!isAlias(symbol)) continue;
        const located = world.locate(world.resolved(symbol));
        if (located?.outside && !this.outside.has(located.outside))
          this.outside.set(located.outside, {
            file: source.fileName,
            name: ts.unescapeLeadingUnderscores(/** @type {any} */ (local)),
          });
      }
    }
  }

  /**
   * @param {Node} node
   * @param {Names} names
   * @returns {Text}
   */
  of(node, names = new Map()) {
    const source = node.getSourceFile();
    const start = node.getStart(source);
    /** @type {{ text: string[], same: string[] }} */
    const parts = { text: [], same: [] };
    const changes = [];
    for (const reference of references(node, this.world.checker)) {
      const said = this.reference(reference, source.fileName, names);
      if (said) changes.push({ node: reference.node, ...said });
    }
    const text = names.get("this");
    if (text !== undefined) {
      for (const self of selves(node)) changes.push({ node: self, text, same: "this" });
    }
    changes.sort((a, b) => a.node.pos - b.node.pos);
    let at = start;
    for (const change of changes) {
      const before = source.text.slice(at, change.node.getStart(source));
      parts.text.push(before, change.text);
      parts.same.push(before, change.same);
      at = change.node.end;
    }
    const rest = source.text.slice(at, node.end);
    return {
      text: tokens([...parts.text, rest].join("")),
      same: tokens([...parts.same, rest].join("")),
    };
  }

  /**
   * What replaces a name; null where it means the same in a file of questions.
   *
   * @param {import("./references.mjs").Reference} reference
   * @param {string} file where it is written
   * @param {Names} names
   * @returns {Text | null}
   */
  reference({ node, symbol, member }, file, names) {
    if (!symbol) return null;
    const given = names.get(symbol);
    if (given !== undefined) return { text: given, same: given };
    const located = this.world.locate(this.world.resolved(member ?? symbol));
    if (!located) return null;
    if (located.outside !== undefined) {
      if (ts.isStringLiteral(node)) return null;
      const own = { file, name: node.text };
      const { file: from, name } =
        this.world.side(file) === "new" ? own : (this.outside.get(located.outside) ?? own);
      return { text: this.alias(from, `${HANDLE}${name}`), same: `"${located.outside}"` };
    }
    if (ts.isStringLiteral(node)) {
      const module = this.target({ ...located, path: [] });
      return {
        text: JSON.stringify(module.file),
        same: JSON.stringify(this.key(this.target(located))),
      };
    }
    const target = this.target(located);
    const [top, ...rest] = target.path;
    const head =
      top === undefined
        ? this.alias(target.file, "*")
        : this.alias(target.file, this.handle(target.file, top));
    return { text: [head, ...rest].join("."), same: `"${this.key(target)}"` };
  }

  /**
   * What has the place of this name in the new version.
   *
   * @param {Located} place
   * @returns {Located}
   */
  target({ side, file, path }) {
    if (side === "new") return { side, file, path };
    const { world } = this;
    if (path.length === 0) {
      const now = `${world.roots.new}/${world.relative(file)}`;
      return world.program.getSourceFile(now)
        ? { side: "new", file: now, path }
        : { side, file, path };
    }
    for (let count = path.length; count > 0; count -= 1) {
      const now = this.matches.get(key(world, file, path.slice(0, count)));
      if (now)
        return {
          side: "new",
          file: now.file,
          path: [...now.name.split("."), ...path.slice(count)],
        };
    }
    return { side, file, path };
  }

  /**
   * A file has no handles of the names that others add to it; they are exported.
   *
   * @param {string} file
   * @param {string} name
   */
  handle(file, name) {
    const handle = `${HANDLE}${name}`;
    const { exports } = this.world.program.getSourceFile(file)?.symbol ?? {};
    return inTable(exports, handle) ? handle : name;
  }

  /** @param {Located} place */
  key({ side, file, path }) {
    return `${side}:${key(this.world, file, path)}`;
  }

  /** What a file of questions calls this export of a file. @param {string} file @param {string} name */
  alias(file, name) {
    const wanted = `${file}\0${name}`;
    const alias = this.imports.get(wanted) ?? `$${this.imports.size}`;
    this.imports.set(wanted, alias);
    return alias;
  }

  /** The import declarations that the texts need. */
  head() {
    return [...this.imports].map(([wanted, alias]) => {
      const [file, name] = wanted.split("\0");
      return name === "*"
        ? `import type * as ${alias} from ${JSON.stringify(file)};`
        : `import type { ${name} as ${alias} } from ${JSON.stringify(file)};`;
    });
  }
}

/** @param {World} world @param {string} file @param {string[]} path */
export function key(world, file, path) {
  return `${world.relative(file)}#${path.join(".")}`;
}

/**
 * `this` as a type, where it means the class or interface around `node`.
 *
 * @param {Node} node
 * @param {Node[]} found where they are added to
 */
export function selves(node, found = []) {
  if (node.kind === ts.SyntaxKind.ThisType) found.push(node);
  ts.forEachChild(node, (child) => void selves(child, found));
  return found;
}

/** @type {Map<string, string>} */
const known = new Map();

/** One space between two words, no comments: how it is laid out is no difference. @param {string} text */
export function tokens(text) {
  const found = known.get(text) ?? scanned(text);
  known.set(text, found);
  return found;
}

/** @param {string} text */
function scanned(text) {
  const scanner = ts.createScanner(ts.ScriptTarget.ESNext, true, ts.LanguageVariant.Standard, text);
  const words = [];
  const braces = [];
  for (let token = scanner.scan(); token !== ts.SyntaxKind.EndOfFileToken; token = scanner.scan()) {
    if (token === ts.SyntaxKind.TemplateHead) braces.push("template");
    else if (token === ts.SyntaxKind.OpenBraceToken) braces.push("block");
    else if (token === ts.SyntaxKind.CloseBraceToken && braces.pop() === "template") {
      token = scanner.reScanTemplateToken(false);
      if (token === ts.SyntaxKind.TemplateMiddle) braces.push("template");
    }
    words.push(scanner.getTokenText());
  }
  return words.join(" ");
}

/** Is it imported, or handed on? @param {Defined} symbol */
function isAlias(symbol) {
  return symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0;
}

/**
 * Names of the old version and what has their place: what is exported under the same name, what is where it
 * was, what moved and kept its name.
 *
 * @param {World} world
 * @param {Map<string, Top>} exported
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one condition for each way
export function match(world, exported) {
  /** @typedef {Top & { symbol: Defined }} Found */
  /** @type {Record<import("./world.mjs").Side, Map<string, Found>>} */
  const tops = { old: new Map(), new: new Map() };
  for (const source of world.program.getSourceFiles()) {
    const side = world.side(source.fileName);
    if (!side || !ts.isExternalModule(source)) continue;
    const names = [...topLevel(source)].filter((name) => !isAlias(inTable(source.locals, name)));
    if (!isAlias(source.symbol?.exports?.get("default"))) names.push("default");
    for (const name of names) {
      const symbol = inTable(source.symbol?.exports, name) ?? inTable(source.locals, name);
      tops[side].set(key(world, source.fileName, [name]), { file: source.fileName, name, symbol });
    }
  }
  const matches = new Map(exported);
  const taken = new Set([...exported.values()].map(({ file, name }) => key(world, file, [name])));
  for (const [id, { file, name, symbol }] of tops.old) {
    if (matches.has(id)) continue;
    const moved = (/** @type {[string, Found]} */ [other, now]) =>
      now.name === name &&
      !tops.old.has(other) &&
      !taken.has(other) &&
      resemble([name, symbol], [name, now.symbol]);
    // Not exported, and only called something else.
    const renamed = (/** @type {[string, Found]} */ [other, now]) =>
      !tops.old.has(other) &&
      !taken.has(other) &&
      world.relative(now.file) === world.relative(file) &&
      symbol !== undefined &&
      now.symbol !== undefined &&
      body(symbol, name) === body(now.symbol, now.name);
    const only = (/** @type {typeof moved} */ way) => {
      const all = [...tops.new].filter(way);
      return all.length === 1 ? all[0][1] : null;
    };
    const now = tops.new.get(id) ?? only(moved) ?? only(renamed);
    if (now && !taken.has(key(world, now.file, [now.name]))) matches.set(id, now);
  }
  return matches;
}
