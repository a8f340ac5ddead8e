// Is this the same thing under another name, or in another place? Decides words and what belongs
// together, never whether something breaks.

/** Names that one person would give the same thing: most of their letters are the same. */
export function alike(one, other) {
  const pairs = (text) =>
    [...text.toLowerCase()].slice(1).map((letter, i) => text.toLowerCase()[i] + letter);
  const [a, b] = [pairs(one), pairs(other)];
  const both = a.filter((pair) => b.includes(pair)).length;
  return a.length + b.length > 0 && (2 * both) / (a.length + b.length) >= 0.3;
}

/** The same text but for its own name; or most of its members. */
export function resemble([name, was], [other, is]) {
  if (!was?.declarations || !is?.declarations) return false;
  const [before, after] = [body(was, name), body(is, other)];
  if (before === after) return name === other || before.length > 30 || alike(name, other);
  // What kept its name is known by the names of its members.
  const text = (member) =>
    name === other ? (member.name?.getText() ?? "") : flat(member).replace(/[;,]$/, "");
  const members = (symbol) => symbol.declarations.flatMap((d) => [...(d.members ?? [])].map(text));
  const [a, b] = [members(was), members(is)];
  const both = a.filter((m) => b.includes(m)).length;
  return alike(name, other) && both > 0 && both * 3 >= 2 * Math.max(a.length, b.length);
}

function body(symbol, name) {
  const own = new RegExp(`(?<![\\w$])(${escaped(name)}|${escaped(symbol.name)})(?![\\w$])`, "g");
  return symbol.declarations
    .map((d) =>
      flat(d)
        .replace(own, "\0")
        .replace(/^(export |default |declare )+/, ""),
    )
    .join("\n");
}

function escaped(text) {
  return text.replace(/[$.*+?^()[\]{}|\\]/g, "\\$&");
}

/** In one line, without comments. */
export function flat(node) {
  return node
    .getText()
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .trim();
}
