// The fields of package.json beside `exports` that choose a file: `main`, and those that bundlers and older
// tools ask before it. Where the files are is no difference: all of them may move together.
//
// Bundlers that read `exports` prefer it to these fields, but for single files in `browser` and
// `react-native` (esbuild, Metro; package-browser-field-spec).

import { existsSync } from "node:fs";
import { join } from "node:path";

/** @typedef {import("./entries.mjs").Manifest} Manifest */
/** @typedef {import("./maps.mjs").Told} Told */
/** @typedef {{ root: string, manifest: Manifest }} Package */
/** @typedef {(what: string, was: unknown, is?: string) => void} Changed */

const MAIN = ".";

/** @param {Package} old @param {Package} now @param {Told} told */
export function compareFields(old, now, told) {
  /** @type {Changed} */
  const changed = (what, was, is = "nothing") =>
    told("field-removed", what, { old: `${was}`, new: is, was: `${was}`, is });
  for (const field of ["browser", "react-native"]) compareReplacements(old, now, field, changed);
  const { main, module, types, typings, exports } = lost(old.manifest, now.manifest);
  const declared = types ?? typings;
  if (module && !isLike(old, now, MAIN, module)) changed("module", module);
  if (!exports) {
    if (main && found(old.root, main) && !found(now.root, "index"))
      told("main-removed", ".", { was: main });
  } else {
    if (main && !isLike(old, now, MAIN, main)) changed("main", main);
    if (declared && !hasTypes(now)) changed("types", declared);
  }
  effects(old.manifest, now.manifest, told);
}

/**
 * The fields of the old version that the new one has not; and its `exports`.
 *
 * @type {(old: Manifest, now: Manifest) => Manifest}
 */
function lost(old, now) {
  const gone = Object.entries(old).filter(([name]) => !now[name]);
  return { ...Object.fromEntries(gone), exports: now.exports };
}

/** @param {Package} old @param {Package} now @param {string} field @param {Changed} changed */
function compareReplacements(old, now, field, changed) {
  const left = replacements(now.manifest, field);
  for (const [key, was] of replacements(old.manifest, field)) {
    const [what, is] = [key === MAIN ? field : `${field}["${key}"]`, left.get(key)];
    if (is === false && was !== false) changed(what, was, "false");
    if (is === undefined && !isLike(old, now, key, was)) changed(what, was);
  }
}

/** What a field gives in place of a file, a module, or the main file. @param {Manifest} manifest */
function replacements(manifest, /** @type {string} */ field) {
  const value = manifest[field] ?? {};
  const pairs = typeof value === "object" ? Object.entries(value) : [[MAIN, value]];
  const isMain = (/** @type {string} */ key) => stem(key) === stem(manifest.main ?? "index");
  return new Map(pairs.map(([key, file]) => [isMain(key) ? MAIN : key, file]));
}

/** Gives the new version this file without the field? Or has it nothing that would need one? */
function isLike(
  /** @type {Package} */ old,
  /** @type {Package} */ now,
  /** @type {string} */ key,
  /** @type {string | false} */ was,
) {
  const { module, main } = now.manifest;
  if (key === MAIN) return stem(was) === stem(module ?? main ?? "index");
  return key.startsWith("./") && found(old.root, key) && !found(now.root, key);
}

/** @param {string | false} path */
function stem(path) {
  return `${path}`.replace(/^\.\//, "").replace(/(\/index)?\.[cm]?js$/, "");
}

/** Are there declarations, named or beside the main file? @param {Package} now */
function hasTypes({ root, manifest }) {
  if (manifest.types ?? manifest.typings) return true;
  const main = `${manifest.main ?? "index.js"}`;
  return existsSync(join(root, main.replace(/\.([cm]?)js$/, ".d.$1ts")));
}

/** @param {string} root @param {string} path */
function found(root, path) {
  return ["", ".js", "/index.js"].some((end) => existsSync(join(root, path + end)));
}

/** Files that bundlers keep though nothing that they export is used. */
function effects(
  /** @type {Manifest} */ { sideEffects: was = true },
  /** @type {Manifest} */ { sideEffects: is = true },
  /** @type {Told} */ told,
) {
  const kept = Array.isArray(was) ? was : was ? ["**"] : [];
  const left = Array.isArray(is) ? is : is ? kept : [];
  if (kept.every((/** @type {string} */ one) => left.includes(one))) return;
  const [before, after] = [was, is].map((value) => JSON.stringify(value));
  told("side-effects-dropped", "sideEffects", {
    old: before,
    new: after,
    was: before,
    is: after,
  });
}
