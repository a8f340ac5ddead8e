// Where a definition is written: the source file that a declaration map or the layout of the folders
// leads to, else the declaration file.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ts } from "./typescript.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {import("typescript").SourceFile} SourceFile */

/** Null for a file that does not exist. @type {Map<string, SourceFile | null>} */
const read = new Map();

/**
 * `file:line` in the package's folder; empty for what is not in it.
 *
 * @param {import("./world.mjs").World} world
 * @param {Node | undefined} node
 */
export function place(world, node) {
  if (!node) return "";
  const source = node.getSourceFile();
  const side = world.side(source.fileName);
  const file = world.relative(source.fileName);
  if (side === null || file === null) return "";
  const root = world.roots[side];
  if (world.declared.has(source.fileName)) {
    const original = /** @type {SourceFile} */ (parsed(join(root, file)));
    return at(original, file, definition(original, node) ?? original);
  }
  const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source));
  return (
    mapped(root, file, source.text, line, character) ??
    guessed(root, file, node) ??
    at(source, file, node)
  );
}

/** @param {SourceFile} source @param {string} path @param {Node} node */
function at(source, path, node) {
  return `${path}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`;
}

/** @param {string} file */
function parsed(file) {
  const known = read.get(file);
  if (known !== undefined) return known;
  const source = existsSync(file)
    ? ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ESNext, true)
    : null;
  read.set(file, source);
  return source;
}

/**
 * By the declaration map (Source Map revision 3): the last mapping at or before the place.
 *
 * @param {string} root the package's folder
 * @param {string} file in that folder
 * @param {string} text of the file
 * @param {number} line from 0
 * @param {number} character from 0
 */
function mapped(root, file, text, line, character) {
  const name = /\/\/# sourceMappingURL=(\S+\.map)\s/.exec(`${text}\n`)?.[1];
  const path = name && join(root, dirname(file), name);
  if (!path || !existsSync(path)) return null;
  try {
    const map = JSON.parse(readFileSync(path, "utf8"));
    const found = lookUp(map.mappings, line, character);
    const target =
      found &&
      normalize(
        join(dirname(file), dirname(name), map.sourceRoot ?? "", map.sources[found.source]),
      );
    return target && !target.startsWith("..") && existsSync(join(root, target))
      ? `${target}:${found.line + 1}`
      : null;
  } catch {
    return null;
  }
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** @param {string} mappings @param {number} line @param {number} character */
function lookUp(mappings, line, character) {
  let [source, sourceLine] = [0, 0];
  let found = null;
  for (const [i, text] of mappings.split(";").entries()) {
    let column = 0;
    for (const segment of text.split(",").filter(Boolean)) {
      const numbers = decoded(segment);
      column += numbers[0];
      if (numbers.length < 4) continue;
      source += numbers[1];
      sourceLine += numbers[2];
      if (i === line && (column <= character || !found)) found = { source, line: sourceLine };
    }
    if (i === line) return found;
  }
  return null;
}

/** A segment of a mapping: numbers in base64 VLQ. @param {string} segment */
function decoded(segment) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = LETTERS.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

/**
 * `dist/a/b.d.ts` is most likely made of `src/a/b.ts`; it is if that defines the same names.
 *
 * @param {string} root the package's folder
 * @param {string} file in that folder
 * @param {Node} node
 */
function guessed(root, file, node) {
  const stem = file.replace(/\.d\.([cm]?)ts$/, "");
  if (stem === file) return null;
  const rest = stem.split("/").slice(1).join("/");
  for (const folder of ["src/", "lib/", "source/", ""]) {
    for (const end of [".ts", ".tsx", ".mts", ".cts"]) {
      const path = `${folder}${rest || stem}${end}`;
      const source = parsed(join(root, path));
      const found = source && definition(source, node);
      if (found) return at(source, path, found);
    }
  }
  return null;
}

/** @typedef {Node & { name?: Node }} Named */

/** The definition with the same names around it. @param {SourceFile} source @param {Node} node */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one branch for each kind of node
function definition(source, node) {
  const names = [];
  for (let at = /** @type {Named} */ (node); at && !ts.isSourceFile(at); at = at.parent) {
    const name = ts.isConstructorDeclaration(at)
      ? "constructor"
      : at.name && !ts.isParameter(at) && at.name.getText
        ? at.name.getText()
        : null;
    if (name) names.unshift(name);
  }
  /** @type {Named} */
  let scope = source;
  for (const name of names) {
    const inner = find(scope, name);
    if (!inner) return scope === source ? null : scope;
    scope = inner;
  }
  return scope === source ? null : (scope.name ?? scope);
}

/** The first definition of that name inside of `scope`. @param {Node} scope @param {string} name */
function find(scope, name) {
  /** @type {Node | null} */
  let found = null;
  const look = (/** @type {Named} */ node) => {
    if (found || (ts.isBlock(node) && !ts.isModuleBlock(node))) return;
    if (node !== scope && node.name && !ts.isParameter(node) && node.name.getText() === name)
      found = node;
    else if (node !== scope && name === "constructor" && ts.isConstructorDeclaration(node))
      found = node;
    else ts.forEachChild(node, look);
  };
  look(scope);
  return found;
}
