// What importers notice of a package.json: entry points, their conditions, the format of their files.

import { format, reached } from "./entries.mjs";
import { compareFields } from "./fields.mjs";
import { compareInstall } from "./install.mjs";

/** @typedef {import("./entries.mjs").Entries} Entries */
/** @typedef {import("./entries.mjs").Entry} Entry */
/** @typedef {(rule: string, path: string, extra?: Record<string, string | undefined>) => void} Told */
/**
 * @typedef {object} Maps
 * @property {{ old: string, new: string }} roots
 * @property {Entries} old
 * @property {Entries} new
 * @property {string[]} asked the entry points that are guarded, some of them with `*`
 */

/** The guarded subpaths, those of keys with `*` written out. @param {Maps} maps */
export function guardedPaths({ old, new: now, asked }) {
  const behind = [...old.entries, ...now.entries]
    .filter(([, entry]) => entry.pattern && asked.includes(entry.pattern))
    .map(([path]) => path);
  return [...new Set([...asked.filter((path) => !path.includes("*")), ...behind])];
}

/** @param {Maps} maps @param {Told} tell */
export function compareMaps(maps, tell) {
  const { old, new: now } = maps;
  const written = (/** @type {Entry | undefined} */ entry) => entry && JSON.stringify(entry.target);
  /** @type {Told} */
  const told = (rule, path, extra = {}) =>
    tell(rule, path, {
      was: written(old.entries.get(path)),
      is: written(now.entries.get(path)),
      ...extra,
    });
  const come = [...now.entries.keys()].filter((path) => !old.entries.has(path));
  for (const [path, was] of old.entries) {
    const is = now.entries.get(path);
    if (is) compareEntry(maps, path, was, is, told);
    else entryGone(maps, path, was, come, told);
  }
  if (!old.sealed && now.sealed && old.entries.size > 0)
    told("exports-sealed", ".", { is: JSON.stringify(now.manifest.exports) });
  for (const path of come) {
    const pattern = now.entries.get(path)?.pattern;
    if (!pattern || maps.asked.includes(pattern)) told("entry-added", path);
  }
  compareInstall(old.manifest, now.manifest, told);
  compareFields(
    { root: maps.roots.old, manifest: old.manifest },
    { root: maps.roots.new, manifest: now.manifest },
    told,
  );
}

/** The guarded entry points that neither version has, or has types for. @param {Maps} maps */
export function missing(maps) {
  return maps.asked.flatMap((path) => {
    const listed = path.includes("*")
      ? guardedPaths({ ...maps, asked: [path] })
      : [maps.old, maps.new].some((side) => side.entries.has(path))
        ? [path]
        : [];
    if (listed.length === 0) return [{ path, why: "package.json has no such entry point" }];
    const typed = listed.some((one) =>
      [maps.old, maps.new].some((side) => side.entries.get(one)?.types),
    );
    return typed ? [] : [{ path, why: "no declarations (.d.ts) were built for it" }];
  });
}

/** @param {Maps} maps @param {string} path @param {Entry} entry */
function isGuarded({ asked }, path, entry) {
  return asked.includes(path) || (entry.pattern !== null && asked.includes(entry.pattern));
}

/** @param {Maps} maps @param {string} path @param {Entry} was @param {string[]} come @param {Told} told */
function entryGone(maps, path, was, come, told) {
  // The subpaths behind a key with `*` speak for it.
  if ([...maps.old.entries.values()].some((entry) => entry.pattern === path)) return;
  const guarded = isGuarded(maps, path, was);
  // `./*` opens the whole folder, and users import few of its files.
  if (was.pattern === "./*" && !guarded) return;
  const same = come.find((other) => was.types && maps.new.entries.get(other)?.types === was.types);
  const rule = same ? "entry-renamed" : "entry-removed";
  told(guarded ? rule : "entry-maybe-removed", path, { new: same || "" });
}

/** @param {Maps} maps @param {string} path @param {Entry} was @param {Entry} is @param {Told} told */
function compareEntry(maps, path, was, is, told) {
  const guarded = isGuarded(maps, path, was);
  if (guarded && was.types && !is.types) told("types-removed", path);
  // The key with `*` says it once for all.
  if (was.pattern && is.pattern === was.pattern) return;
  const rule = guarded ? "condition-removed" : "condition-maybe-removed";
  const lost = lostConditions(was, is);
  for (const name of lost) told(rule, path, { what: name, old: path });
  const required =
    was.ways.includes("require") &&
    !is.ways.includes("require") &&
    !was.conditions.includes("require");
  if (required && maps.old.sealed) told("require-maybe-refused", path);
  if (!guarded) return;
  for (const name of replacedConditions(was, is).filter((one) => !lost.includes(one)))
    told("condition-falls-back", path, { what: name, old: path });
  formats(maps, path, was, is, told);
}

/**
 * Conditions that are gone, and that nothing stands for.
 * What `default` was made for `require` does not say.
 *
 * @param {Entry} was
 * @param {Entry} is
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

/**
 * Conditions that are gone, so that `default` or `import` now gives what they ask for another file.
 *
 * @param {Entry} was
 * @param {Entry} is
 */
function replacedConditions(was, is) {
  const plain = ["types", "import", "require", "default", "module-sync"];
  return was.conditions.filter((name) => {
    if (is.conditions.includes(name) || plain.includes(name) || name.startsWith("types@"))
      return false;
    const other = reached(is.target, "import", [name]);
    return other != null && reached(was.target, "import", [name]) !== other;
  });
}

/** @param {Maps} maps @param {string} path @param {Entry} was @param {Entry} is @param {Told} told */
function formats(maps, path, was, is, told) {
  const of = (
    /** @type {"old" | "new"} */ side,
    /** @type {Entry} */ entry,
    /** @type {string} */ way,
  ) => {
    const file = reached(entry.target, way);
    return file ? format(maps.roots[side], file) : null;
  };
  for (const [way, from, rule] of [
    ["require", "commonjs", "became-es-module"],
    ["import", "module", "became-commonjs"],
  ]) {
    const now = of("new", is, way);
    if (of("old", was, way) === from && now !== null && now !== from) told(rule, path);
  }
}
