// Two versions of a package's declarations, compared by the TypeScript compiler.
//
// Started as `node main.mjs TYPESCRIPT`.
// Standard input: { old, new: folders with a package.json, public: [".", …] }.
// Standard output: { problems: [{ path, why }], differences: [difference] }, where a difference is
// { rule, symbol, kind, what, old, new, place, oldPlace, was, is, whom }.

import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Compare, kinds } from "./compare.mjs";
import { declarationFiles, entries } from "./entries.mjs";
import { compareNames, exportedPairs, exportsOf } from "./names.mjs";
import { place } from "./places.mjs";
import { Positions } from "./positions.mjs";
import { Questions } from "./questions.mjs";
import { references } from "./references.mjs";
import { match, Texts } from "./text.mjs";
import { ts } from "./typescript.mjs";
import { isDeclaration, World } from "./world.mjs";

const request = JSON.parse(readFileSync(0, "utf8"));
const world = new World(request);
const differences = [];
const problems = [];

/** @param {Record<string, any>} difference */
function report({ oldNode, newNode, was, is, ...one }) {
  const line = (text) =>
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

const maps = { old: entries(world.roots.old), new: entries(world.roots.new) };
compareMaps();
const files = (side) =>
  request.public
    .map((path) => maps[side].entries.get(path)?.types)
    .filter(Boolean)
    .map((file) => join(world.roots[side], file));
if (same(files("old"), files("new"))) finish();
world.load([...new Set([...files("old"), ...files("new")])]);
const lists = request.public.flatMap((path) => {
  const [was, is] = ["old", "new"].map((side) => maps[side].entries.get(path));
  if (!was?.types || !is?.types) return [];
  return [
    {
      path,
      old: exportsOf(world, join(world.roots.old, was.types)),
      now: exportsOf(world, join(world.roots.new, is.types)),
    },
  ];
});
const texts = new Texts(world, match(world, exportedPairs(world, lists)));
const questions = new Questions(world, texts);
const positions = new Positions(world);
const compare = new Compare(world, texts, questions, positions, report);
const pairs = [];
const seen = new Set();
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
for (const { old } of pairs) for (const declaration of old.declarations) follow(declaration);
for (const item of pairs) if (item.new) compare.pair(item);
questions.answer();
finish();

function finish() {
  writeFileSync(1, JSON.stringify({ problems, differences }));
  process.exit(0);
}

/**
 * The same entry points, and the same text in every declaration file of both.
 * An entry point that is a source file says no such thing.
 */
function same(old, now) {
  if (![...old, ...now].every((file) => /\.d\.[cm]?ts$/.test(file))) return false;
  const inside = (side, list) => list.map((file) => relative(world.roots[side], file)).join();
  const [before, after] = ["old", "new"].map((side) => declarationFiles(world.roots[side]));
  return (
    inside("old", old) === inside("new", now) &&
    [...before.keys()].join() === [...after.keys()].join() &&
    [...before].every(([file, text]) => after.get(file) === text)
  );
}

/** What a name stands for is compared once, wherever it is imported from. */
function add(item) {
  const ours = world.locate(item.old)?.side && world.locate(item.new)?.side;
  if (item.old.flags & ts.SymbolFlags.Module && item.new.flags & ts.SymbolFlags.Module)
    namespace(item);
  if (!ours || seen.has(item.old)) return;
  seen.add(item.old);
  pairs.push(item);
}

function namespace(item) {
  if (
    seen.has(item.old) ||
    !item.old.declarations.some((d) => world.side(d.getSourceFile().fileName))
  )
    return;
  const list = (symbol) =>
    new Map(
      world.checker
        .getExportsOfModule(symbol)
        .filter((s) => !s.name.startsWith("__xtask_") && inNamespace(world.resolved(s)))
        .map((s) => [
          s.name,
          { symbol: world.resolved(s), typeOnly: false, node: s.declarations?.[0] },
        ]),
    );
  if (!(item.old.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Function | ts.SymbolFlags.Enum)))
    seen.add(item.old);
  compareNames(
    { old: list(item.old), now: list(item.new), prefix: `${item.symbol}.`, elsewhere: () => null },
    add,
    report,
  );
}

/** A class's own static members, and its `prototype`, are compared with the class. */
function inNamespace(symbol) {
  return symbol?.declarations?.some((d) => !ts.isClassElement(d) && !ts.isEnumMember(d));
}

/** Another entry point that still has it. */
function elsewhere(list, symbol, name) {
  const other = lists.find(
    (one) => one !== list && one.old.get(name)?.symbol === symbol && one.now.has(name),
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

function follow(declaration) {
  for (const { symbol, member, whole } of references(declaration, world.checker)) {
    const old = world.resolved(whole ?? member ?? symbol);
    const located = old && world.locate(old);
    if (located?.side !== "old" || located.path.length !== 1 || seen.has(old)) continue;
    seen.add(old);
    const target = texts.target(located);
    const now = target.side === "new" ? named(target, old) : null;
    pairs.push({ symbol: located.path[0], name: located.path[0], old, new: now, exported: false });
  }
}

/** The new definition; an exported constant and a type that is not exported may have one name. */
function named({ file, path }, old) {
  const [name] = path;
  const source = world.program.getSourceFile(file);
  // The local name of a default export stands for what is exported.
  const local = source.locals?.get(name);
  const found = [
    source.symbol.exports.get(name),
    local && kinds(local).any !== "namespace" ? local : null,
    local && world.checker.getExportSymbolOfSymbol(local),
  ].filter((symbol) => symbol?.declarations?.some(isDeclaration));
  return (
    found.find((symbol) =>
      ["value", "type"].every((part) => !kinds(old)[part] || kinds(symbol)[part]),
    ) ??
    found[0] ??
    null
  );
}

function told(rule, path, extra = {}) {
  const at = { place: "package.json:1", oldPlace: "package.json:1" };
  differences.push({ rule, symbol: path, kind: "entry", what: path, ...at, ...extra });
}

function compareMaps() {
  const come = [...maps.new.entries.keys()].filter((path) => !maps.old.entries.has(path));
  for (const [path, was] of maps.old.entries) {
    const is = maps.new.entries.get(path);
    if (is) compareEntry(path, was, is);
    else entryGone(path, was, come);
  }
  if (!maps.old.sealed && maps.new.sealed && maps.old.entries.size > 0) told("exports-sealed", ".");
  for (const path of come) told("entry-added", path);
  for (const path of request.public) {
    const both = [maps.old.entries.get(path), maps.new.entries.get(path)].filter(Boolean);
    if (both.length === 0) problems.push({ path, why: "package.json has no such entry point" });
    else if (!both.some((entry) => entry.types))
      problems.push({ path, why: "no declarations (.d.ts) were built for it" });
  }
}

function guarded(path) {
  return request.public.includes(path);
}

function entryGone(path, was, come) {
  const same = come.find((other) => was.types && maps.new.entries.get(other).types === was.types);
  const rule = same ? "entry-renamed" : "entry-removed";
  told(guarded(path) ? rule : "entry-maybe-removed", path, { new: same || "" });
}

function compareEntry(path, was, is) {
  const rule = guarded(path) ? "condition-removed" : "condition-maybe-removed";
  for (const name of lostConditions(was, is)) told(rule, path, { what: name, old: path });
  const required =
    was.ways.includes("require") &&
    !is.ways.includes("require") &&
    !was.conditions.includes("require");
  if (required && maps.old.sealed) told("require-maybe-refused", path);
  if (guarded(path) && was.types && !is.types) told("types-removed", path);
}

/**
 * Conditions that are gone, and that nothing stands for.
 * What `default` was made for `require` does not say.
 */
function lostConditions(was, is) {
  const gone = was.conditions.filter((name) => !is.conditions.includes(name));
  const silent = ["types", "import", "default", "node", "module", "module-sync"];
  const others = gone.filter(
    (name) => !silent.includes(name) && (name === "require" || is.ways.length === 0),
  );
  return was.ways.includes("import") && !is.ways.includes("import")
    ? ["import", ...others]
    : others;
}
