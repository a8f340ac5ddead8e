// Is this the same thing under another name, or in another place? Decides words and what belongs
// together, never whether something breaks.

/** @typedef {import("./references.mjs").Defined} Defined */
/** @typedef {import("typescript").NamedDeclaration} Named */
/** @typedef {import("typescript").Declaration & { members?: readonly Named[] }} Declaration */

/**
 * Names that one person would give the same thing: most of their letters are the same.
 *
 * @param {string} one
 * @param {string} other
 */
export function alike(one, other) {
  const pairs = (/** @type {string} */ text) =>
    [...text.toLowerCase()].slice(1).map((letter, i) => text.toLowerCase()[i] + letter);
  const [a, b] = [pairs(one), pairs(other)];
  const both = a.filter((pair) => b.includes(pair)).length;
  return a.length + b.length > 0 && (2 * both) / (a.length + b.length) >= 0.3;
}

/**
 * The same text but for its own name; or most of its members.
 *
 * @param {[string, Defined]} old a name and what it means
 * @param {[string, Defined]} now
 */
export function resemble([name, was], [other, is]) {
  if (!was?.declarations || !is?.declarations) return false;
  const [before, after] = [body(was, name), body(is, other)];
  if (before === after) return name === other || before.length > 30 || alike(name, other);
  // What kept its name is known by the names of its members.
  const text = (/** @type {Named} */ member) =>
    name === other ? (member.name?.getText() ?? "") : flat(member).replace(/[;,]$/, "");
  const members = (/** @type {Declaration} */ d) => [...(d.members ?? [])].map(text);
  const [a, b] = [was.declarations.flatMap(members), is.declarations.flatMap(members)];
  const both = a.filter((m) => b.includes(m)).length;
  return alike(name, other) && both > 0 && both * 3 >= 2 * Math.max(a.length, b.length);
}

/** Its text but for its own name. @param {import("typescript").Symbol} symbol @param {string} name */
export function body(symbol, name) {
  const own = new RegExp(`(?<![\\w$])(${escaped(name)}|${escaped(symbol.name)})(?![\\w$])`, "g");
  return (symbol.declarations ?? [])
    .map((d) =>
      flat(d)
        .replace(own, "\0")
        .replace(/^(export |default |declare )+/, ""),
    )
    .join("\n");
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[$.*+?^()[\]{}|\\]/g, "\\$&");
}

/** In one line, without comments. @param {import("typescript").Node} node */
export function flat(node) {
  return node
    .getText()
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .trim();
}
