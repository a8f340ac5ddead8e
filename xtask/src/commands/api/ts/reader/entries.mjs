// What a package.json offers to importers: its entry points, the conditions of each, and the
// declarations that they lead to.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const CONDITIONS = new Set(["types", "import", "node", "default", "module", "module-sync"]);

/**
 * { sealed, entries: Map of "./sub" to { conditions, ways, types } }.
 * types is a path inside the package, or null.
 */
export function entries(root) {
  const file = join(root, "package.json");
  if (!existsSync(file)) return { sealed: false, entries: new Map() };
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  const exported = manifest.exports ?? null;
  const targets =
    exported === null ? { ".": legacy(manifest) } : isMap(exported) ? exported : { ".": exported };
  const found = new Map();
  for (const [path, target] of Object.entries(targets)) {
    if (target === null) continue;
    found.set(path, {
      conditions: [...conditions(target)].sort(),
      ways: ways(target),
      types: declarations(root, target),
    });
  }
  return { sealed: exported !== null, entries: found };
}

/** Subpaths begin with a dot, conditions don't. */
function isMap(exported) {
  return (
    typeof exported === "object" &&
    !Array.isArray(exported) &&
    Object.keys(exported).some((key) => key.startsWith("."))
  );
}

function legacy(manifest) {
  const types = manifest.types ?? manifest.typings;
  const main = manifest.main ?? "./index.js";
  return types ? { types: dotted(types), default: dotted(main) } : dotted(main);
}

function dotted(path) {
  return path.startsWith("./") ? path : `./${path}`;
}

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

/** Does `import` find something, and `require`? */
function ways(target) {
  return ["import", "require"].filter((way) => reaches(target, way));
}

function reaches(target, way) {
  if (target === null || typeof target !== "object") return typeof target === "string";
  if (Array.isArray(target)) return target.some((one) => reaches(one, way));
  return Object.entries(target).some(
    ([name, inner]) =>
      [way, "node", "default", "module-sync"].includes(name) && reaches(inner, way),
  );
}

/** The first target whose conditions hold for TypeScript, as a declaration file that exists. */
function declarations(root, target, asked = CONDITIONS) {
  const found = first(root, target, asked);
  // A package for `require` alone has types all the same.
  return (
    found ??
    (asked === CONDITIONS ? declarations(root, target, new Set([...CONDITIONS, "require"])) : null)
  );
}

function first(root, target, asked) {
  if (typeof target === "string") return declarationOf(root, target);
  if (Array.isArray(target))
    return target.map((one) => first(root, one, asked)).find(Boolean) ?? null;
  if (target === null || typeof target !== "object") return null;
  for (const [name, inner] of Object.entries(target)) {
    const found = asked.has(name) ? first(root, inner, asked) : null;
    if (found) return found;
  }
  return null;
}

/** `./dist/a.js` is described by `./dist/a.d.ts` beside it. */
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

/** Every declaration file of a package, by path, sorted. */
export function declarationFiles(root) {
  const found = new Map();
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const path = folder ? `${folder}/${entry.name}` : entry.name;
      if (entry.isDirectory() && entry.name !== "node_modules") walk(path);
      else if (/\.d\.[cm]?ts$/.test(entry.name))
        found.set(path, readFileSync(join(root, path), "utf8"));
    }
  };
  walk("");
  return found;
}
