// What a package.json offers to importers: its entry points, the conditions of each, and the
// declarations that they lead to.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ts } from "./typescript.mjs";

/** @typedef {string | null | any[] | { [condition: string]: any }} Target a value in `exports` */
/**
 * @typedef {object} Entry
 * @property {string[]} conditions
 * @property {string[]} ways "import" and "require", where they find something
 * @property {string | null} types a declaration file in the package, for `import`
 * @property {string | null} required the same for `require`, if it is another file
 * @property {Target} target
 * @property {string | null} pattern the key with `*` that this subpath comes from
 */
/** @typedef {Record<string, any>} Manifest package.json */
/** @typedef {{ sealed: boolean, manifest: Manifest, entries: Map<string, Entry> }} Entries */

const IMPORT = ["types", "import", "node", "default", "module", "module-sync"];
const REQUIRE = ["types", "require", "node", "default", "module-sync"];

/**
 * Sealed: no other file can be imported. `asked`: entry points that are guarded.
 *
 * @param {string} root
 * @param {string[]} asked
 * @returns {Entries}
 */
export function entries(root, asked) {
  const file = join(root, "package.json");
  if (!existsSync(file)) return { sealed: false, manifest: {}, entries: new Map() };
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  const exported = manifest.exports ?? null;
  const targets =
    exported === null
      ? legacy(root, manifest, asked)
      : isMap(exported)
        ? exported
        : { ".": exported };
  /** @type {Map<string, Entry>} */
  const found = new Map();
  for (const [path, target] of Object.entries(targets)) {
    if (target !== null) found.set(path, entry(root, target, null));
  }
  for (const [path, { key, target }] of behindPatterns(root, targets))
    found.set(path, entry(root, target, key));
  return { sealed: exported !== null, manifest, entries: found };
}

/**
 * @param {string} root
 * @param {Target} target
 * @param {string | null} pattern
 * @returns {Entry}
 */
function entry(root, target, pattern) {
  const required = declarations(root, target, REQUIRE);
  // A package for `require` alone has types all the same.
  const types = declarations(root, target, IMPORT) ?? required;
  return {
    conditions: [...conditions(target)].sort(),
    ways: ["import", "require"].filter((way) => typeof reached(target, way) === "string"),
    types,
    required: required === types ? null : required,
    target,
    pattern,
  };
}

/** Subpaths begin with a dot, conditions don't. @param {Target} exported */
function isMap(exported) {
  return (
    exported !== null &&
    typeof exported === "object" &&
    !Array.isArray(exported) &&
    Object.keys(exported).some((key) => key.startsWith("."))
  );
}

/**
 * The entry points of a package without `exports`: `main`, and the files that are guarded.
 *
 * @param {string} root
 * @param {Manifest} manifest
 * @param {string[]} asked
 */
function legacy(root, manifest, asked) {
  const versions = typesVersions(manifest);
  /** @param {string[]} candidates */
  const described = (candidates) =>
    candidates.flatMap(versions).find((one) => declarationOf(root, one)) ?? null;
  const main = manifest.main ?? "./index.js";
  const stated = manifest.types ?? manifest.typings;
  const types = described(stated ? modules(stated) : modules(main));
  /** @type {Record<string, Target>} */
  const targets = { ".": types ? { types: dotted(types), default: dotted(main) } : dotted(main) };
  for (const path of asked.filter((one) => one !== "." && !one.includes("*"))) {
    const file = path.replace(/^\.\//, "");
    const found = described([...modules(file), ...nested(root, file)]);
    if (found) targets[path] = { types: dotted(found), default: dotted(file) };
  }
  return targets;
}

/** The files that this path may stand for. @param {string} path */
function modules(path) {
  return [path, `${path}.d.ts`, `${path}.js`, `${path}/index.d.ts`];
}

/** What the package.json of a folder describes. @param {string} root @param {string} folder */
function nested(root, folder) {
  const file = join(root, folder, "package.json");
  if (!existsSync(file)) return [];
  const { types, typings, main } = JSON.parse(readFileSync(file, "utf8"));
  return [types ?? typings ?? main].filter(Boolean).map((inner) => join(folder, inner));
}

/**
 * Where `typesVersions` leads this version of TypeScript: the first range that fits, the first path that
 * does.
 *
 * @param {Manifest} manifest
 * @returns {(path: string) => string[]}
 */
function typesVersions(manifest) {
  const maps = Object.entries(manifest.typesVersions ?? {});
  const paths = maps.find(([range]) => fits(range, ts.version))?.[1] ?? {};
  return (path) => {
    const plain = path.replace(/^\.\//, "");
    const key = Object.keys(paths).find((one) => one === plain || between(one, plain) !== null);
    if (key === undefined) return [plain];
    const star = between(key, plain) ?? "";
    return paths[key].map((/** @type {string} */ to) => to.replace("*", star));
  };
}

/** Is this version in the range? @param {string} range @param {string} version */
export function fits(range, version) {
  // The compiler has this for itself; its declarations do not show it.
  const { VersionRange } = /** @type {any} */ (ts);
  return VersionRange.tryParse(range)?.test(version) ?? false;
}

/** What `*` stands for. @param {string} pattern @param {string} path */
function between(pattern, path) {
  const [before, after] = pattern.split("*");
  if (after === undefined || path.length < before.length + after.length) return null;
  return path.startsWith(before) && path.endsWith(after)
    ? path.slice(before.length, path.length - after.length)
    : null;
}

/** @param {string} path */
function dotted(path) {
  return path.startsWith("./") ? path : `./${path}`;
}

/**
 * The subpaths that keys with `*` give, each with its key and what that leads to. The longest key counts.
 *
 * @param {string} root
 * @param {Record<string, Target>} targets
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: a loop for keys, patterns and files
function behindPatterns(root, targets) {
  /** @type {Map<string, { key: string, target: Target }>} */
  const found = new Map();
  const keys = Object.keys(targets).filter((key) => key.includes("*"));
  if (keys.length === 0) return found;
  const files = filesOf(root).map((file) => `./${file}`);
  keys.sort((a, b) => b.indexOf("*") - a.indexOf("*") || b.length - a.length);
  for (const key of keys) {
    for (const pattern of strings(targets[key])) {
      for (const file of files) {
        const star = between(pattern, file);
        const path = star && key.replace("*", star);
        if (!path || found.has(path) || path in targets) continue;
        if (keys.find((one) => between(one, path) !== null) === key)
          found.set(path, { key, target: replaced(targets[key], star) });
      }
    }
  }
  return found;
}

/** @param {Target} target @returns {string[]} */
function strings(target) {
  if (typeof target === "string") return target.includes("*") ? [target] : [];
  return target === null ? [] : Object.values(target).flatMap(strings);
}

/** @param {Target} target @param {string} star @returns {Target} */
function replaced(target, star) {
  return JSON.parse(JSON.stringify(target), (_, value) =>
    typeof value === "string" ? value.replaceAll("*", star) : value,
  );
}

/** @param {Target} target @param {Set<string>} names */
function conditions(target, names = new Set()) {
  if (Array.isArray(target)) {
    for (const one of target) conditions(one, names);
  } else if (target !== null && typeof target === "object") {
    for (const [name, inner] of Object.entries(target)) {
      if (inner === null) continue;
      names.add(name);
      conditions(inner, names);
    }
  }
  return names;
}

/**
 * The file that `way` finds, and these conditions. null is a refusal, undefined leaves it to what follows
 * (PACKAGE_TARGET_RESOLVE in Node's documentation).
 *
 * @param {Target} target
 * @param {string} way
 * @param {string[]} more
 * @returns {string | null | undefined}
 */
export function reached(target, way, more = []) {
  if (target === null || typeof target === "string") return target;
  if (Array.isArray(target))
    return target.map((one) => reached(one, way, more)).find((one) => one != null);
  const asked = [way, "node", "default", "module-sync", ...more];
  for (const [name, inner] of Object.entries(target)) {
    const found = asked.includes(name) ? reached(inner, way, more) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** "module" or "commonjs": how Node reads this file. null for what is neither. @param {string} root */
export function format(root, /** @type {string} */ file) {
  if (/\.mjs$/.test(file)) return "module";
  if (/\.cjs$/.test(file)) return "commonjs";
  if (!/\.js$/.test(file)) return null;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(root, folder, "package.json");
    if (existsSync(manifest))
      return JSON.parse(readFileSync(manifest, "utf8")).type === "module" ? "module" : "commonjs";
    if (folder === "." || folder === "/") return null;
  }
}

/**
 * The first target whose conditions hold for TypeScript, as a declaration file that exists.
 *
 * @param {string} root
 * @param {Target} target
 * @param {string[]} asked
 * @returns {string | null}
 */
function declarations(root, target, asked) {
  return first(root, target, asked) ?? null;
}

/** @returns {string | null | undefined} */
function first(
  /** @type {string} */ root,
  /** @type {Target} */ target,
  /** @type {string[]} */ asked,
) {
  if (target === null) return null;
  if (typeof target === "string") return declarationOf(root, target) ?? undefined;
  if (Array.isArray(target))
    return target.map((one) => first(root, one, asked)).find((one) => one != null);
  for (const [name, inner] of Object.entries(target)) {
    const [condition, range] = name.split("@");
    const holds = asked.includes(condition) && (!range || fits(range, ts.version));
    const found = holds ? first(root, inner, asked) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `./dist/a.js` is described by `./dist/a.d.ts` beside it. @param {string} root @param {string} path */
function declarationOf(root, path) {
  const clean = path.replace(/^\.\//, "");
  const beside = clean.replace(/\.([cm]?)jsx?$/, ".d.$1ts");
  const candidates = /\.d\.[cm]?ts$|\.[cm]?tsx?$/.test(clean)
    ? [clean]
    : beside === clean
      ? []
      : [beside];
  return candidates.find((name) => !name.includes("*") && existsSync(join(root, name))) ?? null;
}

/** Every file of a package, sorted. @param {string} root */
function filesOf(root) {
  /** @type {string[]} */
  const found = [];
  const walk = (/** @type {string} */ folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder ? `${folder}/${entry.name}` : entry.name;
      if (entry.isDirectory() && !["node_modules", ".git"].includes(entry.name)) walk(path);
      else if (entry.isFile()) found.push(path);
    }
  };
  walk("");
  return found.sort();
}

/** Every declaration file of a package, by path, sorted. @param {string} root */
export function declarationFiles(root) {
  const files = filesOf(root).filter((file) => /\.d\.[cm]?ts$/.test(file));
  return new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
}
