// Two versions of a package's declarations, compared by the TypeScript compiler.
//
// Started as `node main.mjs TYPESCRIPT`.
// Standard input: { old, new: folders with a package.json, public: [".", …] }.
// Standard output: { problems: [{ path, why }], differences: [difference] }, where a difference is
// { rule, symbol, kind, what, old, new, place, oldPlace, was, is, whom }.

import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { compareAmbient } from "./ambient.mjs";
import { Compare, kinds } from "./compare.mjs";
import { declarationFiles, entries } from "./entries.mjs";
import { brought, lostDependencies } from "./install.mjs";
import { compareMaps, guardedPaths, missing } from "./maps.mjs";
import { ambiguous, compareNames, exportedPairs, exportsOf, table } from "./names.mjs";
import { place } from "./places.mjs";
import { Positions } from "./positions.mjs";
import { Questions } from "./questions.mjs";
import { references } from "./references.mjs";
import { match, Texts } from "./text.mjs";
import { ts } from "./typescript.mjs";
import { inTable, isDeclaration, World } from "./world.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {import("typescript").Symbol} Symbol */
/** @typedef {import("./names.mjs").Exports} Exports */
/** @typedef {import("./names.mjs").List} List */
/** @typedef {import("./names.mjs").Pair} Pair */
/** @typedef {import("./world.mjs").Side} Side */
/** @typedef {import("./world.mjs").Located} Located */
/** @typedef {{ place: string, oldPlace: string }} Places */
/** @typedef {import("./compare.mjs").Difference & Places} Placed */
/** @typedef {Omit<Pair, "new"> & { new: Symbol | null }} Item null is what the new version has not */

/** @type {Record<Side, string> & { public: string[] }} */
const request = JSON.parse(readFileSync(0, "utf8"));
const world = new World(request);
/** @type {Placed[]} */
const differences = [];
/** @type {{ path: string, why: string }[]} */
const problems = [];
/** @type {{ place: string, text: string }[]} */
const broken = [];

/** @type {import("./compare.mjs").Report} */
function report({ oldNode, newNode, was, is, ...one }) {
  const line = (/** @type {string | undefined} */ text) =>
    text
      ?.replace(/\/\*[\s\S]*?\*\//g, "")
      .replace(/\s+/g, " ")
      .trim();
  differences.push({
    ...one,
    place: place(world, newNode),
    oldPlace: place(world, oldNode),
    was: line(was),
    is: line(is),
  });
}

/** @type {import("./maps.mjs").Maps} */
const maps = {
  roots: world.roots,
  old: entries(world.roots.old, request.public),
  new: entries(world.roots.new, request.public),
  asked: request.public,
};
compareMaps(maps, told);
problems.push(...missing(maps));
const guarded = guardedPaths(maps);
const files = (/** @type {Side} */ side) =>
  guarded
    .flatMap((path) => {
      const entry = maps[side].entries.get(path);
      return [entry?.types, entry?.required];
    })
    .flatMap((file) => (file ? [join(world.roots[side], file)] : []));
if (same(files("old"), files("new"))) finish();
world.load([...new Set([...files("old"), ...files("new")])]);
if (isBroken()) finish();
lostImports();
if (reachedSame()) finish();
const lists = guarded.flatMap((path) => {
  const [was, is] = [maps.old, maps.new].map((side) => side.entries.get(path));
  /** @type {(old: string, now: string) => List} */
  const list = (old, now) => ({
    path,
    old: exportsOf(world, join(world.roots.old, old)),
    now: exportsOf(world, join(world.roots.new, now)),
    lost: ambiguous(world, world.program.getSourceFile(join(world.roots.new, now))?.symbol),
  });
  if (!was?.types || !is?.types) return [];
  const plain = list(was.types, is.types);
  const both = was.required || is.required;
  return both ? [plain, list(was.required ?? was.types, is.required ?? is.types)] : [plain];
});
const texts = new Texts(world, match(world, exportedPairs(world, lists)));
const questions = new Questions(world, texts);
const positions = new Positions(world);
const compare = new Compare(world, texts, questions, positions, report);
compare.exported = new Set(
  lists.flatMap(({ old }) => [...old.values()].map(({ symbol }) => symbol)),
);
/** @type {Item[]} */
const pairs = [];
/** @type {Set<Symbol>} */
const seen = new Set();
/** @type {Set<Symbol>} */
const walked = new Set();
for (const list of lists) {
  const prefix = list.path === "." ? "" : `${list.path}#`;
  compareNames(
    { ...list, prefix, elsewhere: (symbol, name) => elsewhere(list, symbol, name) },
    add,
    report,
  );
}
learnPositions();
// What they are made of, exported or not; the list grows while it is read.
for (const { old } of pairs) for (const declaration of old.declarations ?? []) follow(declaration);
for (const item of pairs) if (item.new) compare.pair({ ...item, new: item.new });
const imported = lists.flatMap(({ old, now }) => [...old.values(), ...now.values()]);
compareAmbient(compare, new Set([...seen, ...imported.map(({ symbol }) => symbol)]));
questions.answer();
finish();

function finish() {
  // A file for `import` and one for `require` mostly say the same.
  /** @type {Set<string>} */
  const seen = new Set();
  const stem = (/** @type {string} */ at) => at.replace(/(\.d)?\.[cm]?ts:\d+$/, "");
  const once = differences.filter((one) => {
    const id = JSON.stringify({ ...one, place: stem(one.place), oldPlace: stem(one.oldPlace) });
    return !seen.has(id) && seen.add(id);
  });
  writeFileSync(1, JSON.stringify({ problems, differences: once, broken }));
  process.exit(0);
}

/** What has no declarations any more is `any` for its users. */
function lostImports() {
  for (const { file, text } of world.lostImports()) {
    const rule = file ? "declarations-missing" : "dependency-types-missing";
    const at = file ? `${file}:1` : "package.json:1";
    const symbol = file || text;
    differences.push({
      rule,
      symbol,
      kind: "file",
      what: text,
      was: text,
      place: at,
      oldPlace: at,
    });
  }
  for (const what of lostDependencies(maps.old.manifest, maps.new.manifest, world.packages()))
    told("dependency-removed", what, { was: what });
}

/**
 * What cannot be parsed means something else than it says. A released version stays as it is, so only its
 * comparison ends.
 */
function isBroken() {
  for (const { file, line, text } of world.broken) {
    const side = world.side(file);
    const at = `${world.relative(file)}:${line}`;
    if (side === "new") broken.push({ place: at, text });
    else if (!differences.some((one) => one.rule === "old-declarations-broken"))
      differences.push({
        rule: "old-declarations-broken",
        symbol: world.relative(file) ?? undefined,
        kind: "file",
        what: text,
        was: text,
        place: "",
        oldPlace: at,
      });
  }
  return world.broken.length > 0;
}

/** Files that nobody can import may change: what is reached from the entry points is the same. */
function reachedSame() {
  const reached = (/** @type {Side} */ side) =>
    world
      .sources()
      .filter((source) => world.side(source.fileName) === side)
      .map((source) => `${world.relative(source.fileName)}\0${source.text}`)
      .sort()
      .join("\0");
  const types = (/** @type {Side} */ side) =>
    guarded.map((path) => maps[side].entries.get(path)?.types).join();
  return types("old") === types("new") && reached("old") === reached("new");
}

/**
 * The same entry points, and the same text in every declaration file of both.
 * An entry point that is a source file says no such thing.
 *
 * @param {string[]} old
 * @param {string[]} now
 */
function same(old, now) {
  if (![...old, ...now].every((file) => /\.d\.[cm]?ts$/.test(file))) return false;
  const inside = (/** @type {Side} */ side, /** @type {string[]} */ list) =>
    list.map((file) => relative(world.roots[side], file)).join();
  const [before, after] = [world.roots.old, world.roots.new].map(declarationFiles);
  const imports = (/** @type {Side} */ side) => JSON.stringify(maps[side].manifest.imports ?? {});
  const installed = (/** @type {Side} */ side) => brought(maps[side].manifest).join();
  return (
    installed("old") === installed("new") &&
    inside("old", old) === inside("new", now) &&
    imports("old") === imports("new") &&
    [...before.keys()].join() === [...after.keys()].join() &&
    [...before].every(([file, text]) => after.get(file) === text)
  );
}

/** What a name stands for is compared once, wherever it is imported from. @param {Pair} item */
function add(item) {
  const ours = world.locate(item.old)?.side && world.locate(item.new)?.side;
  if (item.old.flags & ts.SymbolFlags.Module) namespace(item);
  if (!ours || seen.has(item.old)) return;
  seen.add(item.old);
  pairs.push(item);
}

/** @param {Pair} item */
function namespace(item) {
  // One that exports itself: `namespace postcss { export { postcss as default } }`.
  if (
    walked.has(item.old) ||
    seen.has(item.old) ||
    !item.old.declarations?.some((d) => world.side(d.getSourceFile().fileName))
  )
    return;
  walked.add(item.old);
  /** @type {(symbol: Symbol) => Exports} */
  const list = (symbol) =>
    new Map(
      !(symbol.flags & ts.SymbolFlags.Module)
        ? []
        : world.checker
            .getExportsOfModule(symbol)
            .filter((s) => !s.name.startsWith("__xtask_") && inNamespace(world.resolved(s)))
            .map((s) => [
              s.name,
              { symbol: world.resolved(s), typeOnly: false, node: s.declarations?.[0] },
            ]),
    );
  const other = ts.SymbolFlags.Class | ts.SymbolFlags.Function | ts.SymbolFlags.Enum;
  if (item.new.flags & ts.SymbolFlags.Module && !(item.old.flags & other)) seen.add(item.old);
  // A property of a constant, or a static member of a class, serves the same.
  const value = world.checker.getTypeOfSymbol(item.new);
  const [old, now] = [list(item.old), list(item.new)];
  for (const [name, { symbol }] of old)
    if (
      !now.has(name) &&
      symbol.flags & ts.SymbolFlags.Value &&
      world.checker.getPropertyOfType(value, name)
    )
      old.delete(name);
  compareNames(
    { old, now, prefix: `${item.symbol}.`, elsewhere: () => null, lost: null },
    add,
    report,
  );
}

/** A class's own static members, and its `prototype`, are compared with the class. @param {Symbol} symbol */
function inNamespace(symbol) {
  return symbol.declarations?.some((d) => !ts.isClassElement(d) && !ts.isEnumMember(d));
}

/** Another entry point that still has it. @param {List} list @param {Symbol} symbol @param {string} name */
function elsewhere(list, symbol, name) {
  const other = lists.find(
    (one) => one.path !== list.path && one.old.get(name)?.symbol === symbol && one.now.has(name),
  );
  return other?.path ?? null;
}

function learnPositions() {
  const values = ts.SymbolFlags.Value;
  for (const item of pairs)
    if (item.old.flags & values && !item.typeOnly?.old) positions.visit(item.old, "out");
  // A type that no value of the package speaks of is used as its users like.
  for (const item of pairs) {
    const { in: taken, out } = positions.of(item.old);
    if (taken || out) continue;
    positions.visit(item.old, "in");
    positions.visit(item.old, "out");
  }
}

/** @param {Node} declaration */
function follow(declaration) {
  for (const { node, symbol, member, whole } of references(declaration, world.checker)) {
    // A member of a class or an enum has no definition of its own.
    const own = [whole, member]
      .map(world.resolved, world)
      .find((one) => one?.declarations?.some(isDeclaration));
    const old = own ?? world.resolved(symbol);
    if (old && isValue(node)) compare.values.add(old);
    const located = world.locate(old);
    if (!old || located?.side !== "old" || located.path.length === 0 || seen.has(old)) continue;
    seen.add(old);
    const target = texts.target(located);
    const now = target.side === "new" ? named(target, old) : null;
    const name = located.path.join(".");
    pairs.push({ symbol: name, name, old, new: now, exported: false });
  }
}

/** Does it speak of a class itself, rather than of its instances? @param {Node} node */
function isValue({ parent }) {
  return (
    ts.isTypeQueryNode(parent) ||
    ts.isExpressionWithTypeArguments(parent) ||
    (ts.isImportTypeNode(parent.parent) && parent.parent.isTypeOf)
  );
}

/**
 * The new definition; an exported constant and a type that is not exported may have one name.
 *
 * @param {Located} located
 * @param {Symbol} old
 */
function named({ file, path }, old) {
  const [name, ...inner] = path;
  const was = kinds(old);
  const source = world.program.getSourceFile(file);
  // The local name of a default export stands for what is exported.
  const local = inTable(source?.locals, name);
  const found = [
    inTable(source?.symbol?.exports, name),
    local && kinds(local).any !== "namespace" ? local : null,
    local && world.checker.getExportSymbolOfSymbol(local),
  ].flatMap((symbol) => (symbol?.declarations?.some(isDeclaration) ? [symbol] : []));
  const within = inner.reduce(
    (all, part) => all.flatMap((symbol) => inTable(table(symbol), part) ?? []),
    found,
  );
  return (
    within.find((symbol) => {
      const is = kinds(symbol);
      return (!was.value || is.value) && (!was.type || is.type);
    }) ??
    within[0] ??
    null
  );
}

/** @type {import("./maps.mjs").Told} */
function told(rule, path, extra = {}) {
  const at = { place: "package.json:1", oldPlace: "package.json:1" };
  differences.push({ rule, symbol: path, kind: "entry", what: path, ...at, ...extra });
}
