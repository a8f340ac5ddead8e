// What a package.json asks of whoever installs the package, and what they get beside its modules: versions of
// Node, platforms, peers, commands.

import { fits } from "./entries.mjs";

/** @typedef {import("./entries.mjs").Manifest} Manifest */
/** @typedef {import("./maps.mjs").Told} Told */

/** @param {Manifest} old @param {Manifest} now @param {Told} told */
export function compareInstall(old, now, told) {
  const [before, after] = [old.engines?.node, now.engines?.node];
  if (isNarrower(before, after))
    told("engines-raised", ".", { old: before, new: after, was: before, is: after });
  peers(old, now, told);
  for (const [kind, common] of PLATFORMS) {
    const [was, is] = [old[kind], now[kind]].map(listed);
    const lost = [...new Set([...common, ...was, ...is])].filter(
      (name) => !name.startsWith("!") && allows(was, name) && !allows(is, name),
    );
    if (lost.length > 0)
      told("platform-refused", kind, { new: lost.join(", "), was: shown(was), is: shown(is) });
  }
  const left = commands(now);
  for (const [name, file] of commands(old))
    if (!left.has(name)) told("command-removed", name, { was: file });
}

/** @param {Manifest} old @param {Manifest} now @param {Told} told */
function peers(old, now, told) {
  const optional = (/** @type {Manifest} */ manifest, /** @type {string} */ name) =>
    manifest.peerDependenciesMeta?.[name]?.optional === true;
  const before = new Map(Object.entries(old.peerDependencies ?? {}));
  for (const [name, is] of Object.entries(now.peerDependencies ?? {})) {
    const was = before.get(name);
    if (!optional(now, name) && (was === undefined || optional(old, name)))
      told("peer-required", name, { new: is, was, is });
    else if (was !== undefined && isNarrower(was, is))
      told("peer-narrowed", name, { old: was, new: is, was, is });
  }
}

/** Fields that name platforms, each with those that most have. @type {[string, string[]][]} */
const PLATFORMS = [
  ["os", ["linux", "darwin", "win32"]],
  ["cpu", ["x64", "arm64"]],
  ["libc", ["glibc", "musl"]],
];

/** @param {string | string[] | undefined} names @returns {string[]} */
function listed(names) {
  return names === undefined ? [] : [names].flat();
}

/** @param {string[]} list */
function shown(list) {
  return list.length > 0 ? list.join(", ") : undefined;
}

/** Names that are listed, or all but those with `!`. @param {string[]} list @param {string} name */
function allows(list, name) {
  const wanted = list.filter((one) => !one.startsWith("!") && one !== "any");
  return !list.includes(`!${name}`) && (wanted.length === 0 || wanted.includes(name));
}

/** Commands and their files. @param {Manifest} manifest @returns {Map<string, string>} */
function commands({ name, bin }) {
  if (typeof bin === "string") return new Map([[String(name).replace(/^@.*\//, ""), bin]]);
  return new Map(Object.entries(bin ?? {}));
}

/** Is a version refused that was accepted? @param {string} old @param {string} now */
function isNarrower(old = "*", now = "*") {
  // Each major version, and each version that one of them names.
  const majors = Array.from({ length: 40 }, (_, i) => [`${i}.0.0`, `${i}.999.0`]).flat();
  const named = `${old} ${now}`.match(/\d+\.\d+(\.\d+)?/g) ?? [];
  const samples = [...majors, ...named.map((text) => (/\..*\./.test(text) ? text : `${text}.0`))];
  const refused = samples.some((version) => fits(old, version) && !fits(now, version));
  // What is no range refuses nothing.
  return refused && samples.some((version) => fits(now, version));
}

/** The packages that are installed together with this one. @param {Manifest} manifest */
export function brought({ dependencies, peerDependencies, optionalDependencies }) {
  return Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies }).sort();
}

/**
 * Packages that are imported, and no longer installed with this one. Their declarations may be in a package
 * of their own.
 *
 * @param {Manifest} old
 * @param {Manifest} now
 * @param {Iterable<string>} imported as it is written
 */
export function lostDependencies(old, now, imported) {
  const [before, after] = [old, now].map((manifest) => new Set(brought(manifest)));
  const names = [...imported].map((text) => /^(@[^/]+\/)?[^/]+/.exec(text)?.[0] ?? text);
  return [...new Set(names)].filter((name) => {
    const types = `@types/${name.replace(/^@/, "").replace("/", "__")}`;
    return [before, after].map((all) => all.has(name) || all.has(types)).join() === "true,false";
  });
}
