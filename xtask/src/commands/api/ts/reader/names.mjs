// The names that users import from each entry point: gone, renamed, new, or still there.

import { kinds, shown } from "./compare.mjs";
import { alike, resemble } from "./likeness.mjs";
import { key } from "./text.mjs";
import { ts } from "./typescript.mjs";
import { HANDLE, inTable } from "./world.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {import("typescript").Symbol} Symbol */
/** @typedef {import("./world.mjs").World} World */
/**
 * @typedef {object} Export
 * @property {Symbol} symbol what it stands for
 * @property {boolean} typeOnly
 * @property {Node | undefined} node where it is exported
 */
/** @typedef {Map<string, Export>} Exports by name */
/** @typedef {{ path: string, old: Exports, now: Exports, lost: Set<string> }} List for an entry point */
/**
 * @typedef {object} Both
 * @property {Exports} old
 * @property {Exports} now
 * @property {string} prefix of the names, as they are reported
 * @property {(symbol: Symbol, name: string) => string | null} elsewhere another place that still has it
 * @property {Set<string> | null} lost names that two files give, so that nobody gets them
 */
/**
 * @typedef {object} Pair definitions that users know by one name
 * @property {string} symbol the name, as it is reported
 * @property {string} name
 * @property {Symbol} old
 * @property {Symbol} new
 * @property {Record<import("./world.mjs").Side, boolean>} [typeOnly]
 * @property {boolean} exported
 */

/** The exports of a file. @param {World} world @param {string} file */
export function exportsOf(world, file) {
  const source = file && world.program.getSourceFile(file);
  /** @type {Exports} */
  const found = new Map();
  // With what other files of the package add to it.
  const module = source && world.checker.getSymbolAtLocation(source);
  if (!module) return found;
  const whole = table(module)?.get("export=");
  // `import f from` and `import f = require` both give what `export =` says.
  if (whole)
    for (const name of ["default", "export ="])
      found.set(name, {
        symbol: world.resolved(whole),
        typeOnly: false,
        node: whole.declarations?.[0],
      });
  const nobodys = ambiguous(world, module);
  for (const symbol of world.checker.getExportsOfModule(module)) {
    if (symbol.name.startsWith(HANDLE) || nobodys.has(symbol.name)) continue;
    const resolved = world.resolved(symbol);
    if (!resolved.declarations) continue;
    found.set(symbol.name, {
      symbol: resolved,
      typeOnly: isTypeOnly(world, symbol),
      node: symbol.declarations?.[0],
    });
  }
  return found;
}

/**
 * Names that two `export *` bring, each for something else: nobody gets them (ECMAScript, ResolveExport).
 * For types alone, the compiler takes the first.
 *
 * @param {World} world
 * @param {Symbol | undefined} module
 * @param {Set<Symbol>} visited
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one condition for each reason
export function ambiguous(world, module, visited = new Set()) {
  /** @type {Set<string>} */
  const found = new Set();
  if (!module || visited.has(module)) return found;
  visited.add(module);
  /** @type {Map<string, Symbol>} */
  const given = new Map();
  const own = table(module);
  for (const star of own?.get("__export")?.declarations ?? []) {
    const from = ts.isExportDeclaration(star) && star.moduleSpecifier;
    const target = from && world.checker.getSymbolAtLocation(from);
    if (!target) continue;
    const inner = ambiguous(world, target, visited);
    for (const name of inner) if (!inTable(own, name)) found.add(name);
    for (const symbol of world.checker.getExportsOfModule(target)) {
      const { name } = symbol;
      if (name === "default" || name.startsWith(HANDLE) || inTable(own, name)) continue;
      const resolved = world.resolved(symbol);
      const first = given.get(name) ?? resolved;
      given.set(name, first);
      if (first !== resolved && (first.flags | resolved.flags) & ts.SymbolFlags.Value)
        found.add(name);
    }
  }
  return found;
}

/** What a module exports itself. @param {Symbol} module */
export function table(module) {
  return /** @type {import("./world.mjs").Module["exports"]} */ (module.exports);
}

/** Is there an `export type` or `import type` on the way? @param {World} world @param {Symbol} symbol */
function isTypeOnly(world, symbol) {
  for (
    let at = /** @type {Symbol | undefined} */ (symbol);
    at && at.flags & ts.SymbolFlags.Alias;
    at = world.checker.getImmediateAliasedSymbol(at)
  ) {
    if (at.declarations?.some((d) => ts.isTypeOnlyImportOrExportDeclaration(d))) return true;
  }
  return false;
}

/**
 * What users reach by the same name in both versions: pairs for matching, by the place of the old definition.
 *
 * @param {World} world
 * @param {List[]} lists
 */
export function exportedPairs(world, lists) {
  /** @type {Map<string, import("./text.mjs").Top>} */
  const pairs = new Map();
  const add = (/** @type {Export | undefined} */ old, /** @type {Export | undefined} */ now) => {
    const [was, is] = [world.locate(old?.symbol), world.locate(now?.symbol)];
    if (was?.side !== "old" || is?.side !== "new" || !was.path.length || !is.path.length) return;
    const id = key(world, was.file, was.path);
    if (!pairs.has(id)) pairs.set(id, { file: is.file, name: is.path.join(".") });
  };
  for (const { old, now } of lists)
    for (const [name, was] of old) if (now.has(name)) add(was, now.get(name));
  for (const { old, now } of lists)
    for (const [name, renamed] of renames(old, now)) add(old.get(name), now.get(renamed));
  return pairs;
}

/** Names that are gone, and the new name of the very same thing. @param {Exports} old @param {Exports} now */
export function renames(old, now) {
  /** @type {Map<string, string>} */
  const found = new Map();
  const come = [...now].filter(([name]) => !old.has(name));
  const before = [...old.values()].map((one) => one.symbol);
  for (const [name, was] of old) {
    if (now.has(name) || before.filter((symbol) => symbol === was.symbol).length > 1) continue;
    const same = come.filter(
      ([other, is]) =>
        ![...found.values()].includes(other) &&
        kinds(was.symbol).any === kinds(is.symbol).any &&
        resemble([name, was.symbol], [other, is.symbol]),
    );
    const likely = same.length > 1 ? same.filter(([other]) => alike(name, other)) : same;
    if (likely.length === 1) found.set(name, likely[0][0]);
  }
  return found;
}

/**
 * Reports names that came and went; hands the others on to `pair`.
 *
 * @param {Both} both
 * @param {(item: Pair) => void} pair
 * @param {import("./compare.mjs").Report} report
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one branch for each fate of a name
export function compareNames({ old, now, prefix, elsewhere, lost }, pair, report) {
  const renamed = renames(old, now);
  for (const [name, was] of old) {
    const is = now.get(name);
    const next = renamed.get(name);
    const other = next === undefined ? undefined : now.get(next);
    const symbol = `${prefix}${name}`;
    const kind = kinds(was.symbol).any;
    const at = { symbol, what: name, kind, oldNode: nodeOf(was), was: shown(was.symbol) };
    if (is) {
      pair({
        symbol,
        name,
        old: was.symbol,
        new: is.symbol,
        typeOnly: { old: was.typeOnly, new: is.typeOnly },
        exported: true,
      });
    } else if (other) {
      report({
        ...at,
        rule: "{kind}-renamed",
        new: next,
        newNode: nodeOf(other),
        is: shown(other.symbol),
      });
      pair({
        symbol,
        name,
        old: was.symbol,
        new: other.symbol,
        typeOnly: { old: was.typeOnly, new: other.typeOnly },
        exported: true,
      });
    } else {
      const there = elsewhere(was.symbol, name);
      const rule = there ? "{kind}-moved" : "{kind}-removed";
      report({ ...at, rule: lost?.has(name) ? "{kind}-ambiguous" : rule, new: there ?? "" });
    }
  }
  for (const [name, is] of now) {
    if (old.has(name) || [...renamed.values()].includes(name)) continue;
    report({
      rule: "{kind}-added",
      symbol: `${prefix}${name}`,
      what: name,
      kind: kinds(is.symbol).any,
      newNode: nodeOf(is),
      is: shown(is.symbol),
    });
  }
}

/** Where it is defined, or where it is handed on if that is not in the package. @param {Export} export */
function nodeOf({ symbol, node }) {
  /** @type {import("typescript").NamedDeclaration | undefined} */
  const declaration = symbol.declarations?.[0];
  return declaration?.getSourceFile().fileName.includes("/node_modules/")
    ? node
    : (declaration?.name ?? declaration);
}
