// What a package makes known without an import of its names: `declare global`, additions to other modules,
// and what scripts declare.
//
// Both versions are in one program, so the compiler merges these declarations: they are compared as written.

import { dirname, join } from "node:path";
import { compareMembers } from "./members.mjs";
import { shared } from "./signatures.mjs";
import { ts } from "./typescript.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {"old" | "new"} Side */
/** @typedef {{ kind: string, nodes: Node[] }} Named declarations of one kind with one name */
/** @typedef {Map<string, Named[]>} Scope an interface, a constant and a namespace may share a name */
/** @typedef {Map<string, Node[]>} Modules the statements of each scope of a version */

const GLOBAL = "global";
const KINDS = [
  { is: ts.isInterfaceDeclaration, kind: "interface" },
  { is: ts.isTypeAliasDeclaration, kind: "type" },
  { is: ts.isClassDeclaration, kind: "class" },
  { is: ts.isFunctionDeclaration, kind: "function" },
  { is: ts.isEnumDeclaration, kind: "enum" },
  { is: ts.isModuleDeclaration, kind: "namespace" },
  { is: ts.isVariableDeclaration, kind: "constant" },
];

/**
 * The statements of each scope of one version.
 *
 * @param {import("./world.mjs").World} world
 * @param {Side} side
 */
function scopes(world, side) {
  /** @type {Map<string, Node[]>} */
  const found = new Map();
  /** @param {string} scope @param {Iterable<Node>} statements */
  const append = (scope, statements) =>
    found.set(scope, [...(found.get(scope) ?? []), ...statements]);
  for (const source of world.sources().filter((one) => world.side(one.fileName) === side)) {
    for (const statement of source.statements) {
      const outer = scopeOf(statement, world.relative(source.fileName) ?? "");
      if (outer) append(outer, inside(statement));
      else if (!ts.isExternalModule(source) || ts.isNamespaceExportDeclaration(statement))
        append(GLOBAL, [statement]);
    }
  }
  return found;
}

/** The declaration of a module of the old version that has nothing in it. */
function module(/** @type {import("./world.mjs").World} */ world, /** @type {string} */ scope) {
  const sources = world.sources().filter((one) => world.side(one.fileName) === "old");
  return sources.flatMap((one) => [...one.statements]).find((one) => scopeOf(one, "") === scope);
}

/**
 * "global", or a module as it is written; null for other statements.
 *
 * @param {Node} node
 * @param {string} file
 */
function scopeOf(node, file) {
  if (!ts.isModuleDeclaration(node)) return null;
  if (ts.isStringLiteral(node.name)) {
    const { text } = node.name;
    return JSON.stringify(text.startsWith(".") ? `./${join(dirname(file), text)}` : text);
  }
  return node.flags & ts.NodeFlags.GlobalAugmentation ? GLOBAL : null;
}

/** @param {Node} node @returns {Node[]} */
function inside(node) {
  if (!ts.isModuleDeclaration(node) || !node.body) return [];
  return ts.isModuleBlock(node.body) ? [...node.body.statements] : [node.body];
}

/** A class and an interface of one name have one list of members. */
const SHAPES = ["class", "interface"];

/** @param {Scope} scope @param {string} name @param {Named} one */
function add(scope, name, { kind, nodes }) {
  const list = scope.get(name) ?? [];
  const alike = (/** @type {Named} */ one) => SHAPES.includes(one.kind) && SHAPES.includes(kind);
  const same = list.find((one) => one.kind === kind || alike(one));
  if (same) same.nodes.push(...nodes);
  else list.push({ kind, nodes: [...nodes] });
  if (same && kind === "class") same.kind = kind;
  scope.set(name, list);
}

/** What a statement declares: names and nodes. @param {Node} statement */
function declared(statement) {
  if (ts.isNamespaceExportDeclaration(statement))
    return [{ name: statement.name.text, kind: "namespace", nodes: [statement] }];
  const nodes = ts.isVariableStatement(statement)
    ? [...statement.declarationList.declarations]
    : [statement];
  return nodes.flatMap((node) => {
    const kind = KINDS.find(({ is }) => is(node))?.kind;
    const name = kind && /** @type {import("typescript").NamedDeclaration} */ (node).name;
    return kind && name ? [{ name: name.getText(), kind, nodes: [node] }] : [];
  });
}

/**
 * What `export default`, `export =` and `export { … }` name.
 *
 * @param {Node} statement
 * @param {Scope} all
 * @param {Modules} modules
 */
function named(statement, all, modules) {
  const local = (
    /** @type {string} */ name,
    /** @type {Node} */ node,
    /** @type {Node} */ otherwise,
    /** @type {Scope} */ scope,
  ) => {
    const list = scope.get(node.getText()) ?? [{ kind: "constant", nodes: [otherwise] }];
    return list.map((one) => ({ name, ...one }));
  };
  if (ts.isExportAssignment(statement)) {
    const name = statement.isExportEquals ? "export =" : "default";
    return local(name, statement.expression, statement, all);
  }
  if (!ts.isExportDeclaration(statement) || !statement.exportClause) return [];
  const { exportClause: clause, moduleSpecifier } = statement;
  if (ts.isNamespaceExport(clause)) return local(clause.name.getText(), clause, clause, new Map());
  const from = moduleSpecifier ? exportsOf(moduleSpecifier, modules) : all;
  return clause.elements.flatMap((element) =>
    local(element.name.getText(), element.propertyName ?? element.name, element, from),
  );
}

/** What another module exports, if it is declared here. @param {Node} specifier @param {Modules} modules */
function exportsOf(specifier, modules) {
  const key = ts.isStringLiteral(specifier) ? JSON.stringify(specifier.text) : "";
  // Two modules may re-export each other.
  return names(modules.get(key) ?? [], new Map([...modules].filter(([one]) => one !== key)));
}

/** What `import name = require("…")` gets. @param {Node} statement @param {Modules} modules */
function importEquals(statement, modules) {
  if (!ts.isImportEqualsDeclaration(statement)) return [];
  const { name, moduleReference } = statement;
  if (!ts.isExternalModuleReference(moduleReference)) return [];
  const list = exportsOf(moduleReference.expression, modules).get("export =") ?? [];
  return list.map((one) => ({ name: name.text, ...one }));
}

/** What `export *` brings. @param {Node} statement @param {Modules} modules @returns {Scope} */
function starExports(statement, modules) {
  if (!ts.isExportDeclaration(statement) || statement.exportClause || !statement.moduleSpecifier)
    return new Map();
  const found = exportsOf(statement.moduleSpecifier, modules);
  for (const name of ["default", "export ="]) found.delete(name);
  return found;
}

/**
 * Names of these statements.
 * Where a block of a module says what it exports, it exports nothing else.
 *
 * @param {Node[]} statements
 * @param {Modules} modules
 */
function names(statements, modules = new Map()) {
  /** @type {Scope} */
  const all = new Map();
  for (const one of statements.flatMap(declared)) add(all, one.name, one);
  const said = statements.filter(
    (one) => ts.isExportAssignment(one) || ts.isExportDeclaration(one),
  );
  if (said.length === 0) return all;
  // An import is local unless an export names it.
  for (const one of statements.flatMap((statement) => importEquals(statement, modules)))
    add(all, one.name, one);
  /** @type {Set<Node>} */
  const blocks = new Set(said.map((one) => one.parent));
  /** @type {Scope} */
  const exported = new Map();
  const marked = (/** @type {Node} */ node) =>
    !blocks.has(node.parent) ||
    (ts.canHaveModifiers(node) &&
      node.modifiers?.some((one) => one.kind === ts.SyntaxKind.ExportKeyword));
  for (const one of statements.filter(marked).flatMap(declared)) add(exported, one.name, one);
  for (const one of said.flatMap((statement) => named(statement, all, modules)))
    add(exported, one.name, one);
  for (const [name, list] of said.flatMap((statement) => [...starExports(statement, modules)]))
    if (!exported.has(name)) exported.set(name, list);
  return exported;
}

/**
 * `known`: what is compared as a name that users import.
 *
 * @param {import("./compare.mjs").Compare} compare
 * @param {Set<import("typescript").Symbol>} known
 */
export function compareAmbient(compare, known) {
  const { world } = compare;
  const [old, now] = [scopes(world, "old"), scopes(world, "new")];
  const unknown = (/** @type {Node[]} */ statements, /** @type {Modules} */ modules) =>
    new Map(
      [...names(statements, modules)].filter(([, [{ nodes }]]) => {
        const { name } = /** @type {import("typescript").NamedDeclaration} */ (nodes[0]);
        const symbol = name && world.checker.getSymbolAtLocation(name);
        return !symbol || !known.has(symbol);
      }),
    );
  for (const [scope, statements] of old) {
    const same = now.get(scope);
    const own = scope.startsWith('"./');
    if (own) compareScope(compare, scope, unknown(statements, old), unknown(same ?? [], now));
    else if (same || scope === GLOBAL)
      compareScope(compare, scope, names(statements, old), names(same ?? [], now));
    else
      compare.report({
        rule: "{kind}-removed",
        kind: "module",
        symbol: scope,
        what: `declare module ${scope}`,
        was: `declare module ${scope}`,
        oldNode: statements[0] ?? module(world, scope),
      });
  }
  for (const [scope, statements] of now)
    if (!old.has(scope) && scope === GLOBAL)
      compareScope(compare, scope, new Map(), names(statements));
}

/**
 * @param {import("./compare.mjs").Compare} compare
 * @param {string} scope
 * @param {Scope} old
 * @param {Scope} now
 */
function compareScope(compare, scope, old, now) {
  for (const [name, list] of old)
    for (const was of list) {
      const others = now.get(name) ?? [];
      const is =
        others.find((one) => one.kind === was.kind) ??
        others.find((one) => !list.some(({ kind }) => kind === one.kind));
      const at = {
        symbol: `${scope}.${name}`,
        kind: was.kind,
        what: name,
        oldNode: was.nodes[0],
        was: head(was.nodes[0]),
      };
      if (is)
        compareNamed(compare, { ...at, newNode: is.nodes[0], is: head(is.nodes[0]) }, was, is);
      else compare.report({ ...at, rule: "{kind}-removed" });
    }
  for (const [name, list] of now)
    for (const is of old.has(name) ? [] : list)
      compare.report({
        rule: "{kind}-added",
        symbol: `${scope}.${name}`,
        kind: is.kind,
        what: name,
        newNode: is.nodes[0],
        is: head(is.nodes[0]),
      });
}

/** What is behind `extends`. @param {Named} one @returns {readonly Node[]} */
function bases({ nodes }) {
  return nodes
    .filter((node) => ts.isInterfaceDeclaration(node) || ts.isClassLike(node))
    .flatMap((node) => node.heritageClauses ?? [])
    .filter((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword)
    .flatMap((clause) => [...clause.types]);
}

/** A definition without what is in its braces. @param {Node} node */
function head(node) {
  return node
    .getText()
    .replace(/^(export |default |declare )+/, "")
    .replace(/\s*\{[\s\S]*$/, "");
}

/**
 * @param {import("./compare.mjs").Compare} compare
 * @param {Record<string, any>} at what every finding says
 * @param {Named} was
 * @param {Named} is
 */
function compareNamed(compare, at, was, is) {
  const { texts, questions } = compare;
  const tell = (/** @type {string} */ rule, extra = {}) =>
    compare.report({ ...at, rule, ...extra });
  const bodies = (/** @type {Named} */ { nodes }) =>
    nodes
      .map((node) => (ts.isTypeAliasDeclaration(node) ? node.type : node))
      .filter(
        (node) =>
          ts.isInterfaceDeclaration(node) || ts.isClassLike(node) || ts.isTypeLiteralNode(node),
      );
  const both = { old: bodies(was), new: bodies(is) };
  // An object type and a class serve as well as an interface; a class has a value, too.
  const serves = was.kind !== "class" && both.old.length > 0 && both.new.length > 0;
  if (was.kind !== is.kind && !serves) return tell("kind-changed", { old: was.kind, new: is.kind });
  if (was.kind === "namespace")
    return compareScope(
      compare,
      at.symbol,
      names(was.nodes.flatMap(inside)),
      names(is.nodes.flatMap(inside)),
    );
  if (was.kind === "enum")
    return compare.enums({
      symbol: at.symbol,
      old: { declarations: /** @type {any[]} */ (was.nodes) },
      new: { declarations: /** @type {any[]} */ (is.nodes) },
    });
  const parameters = (/** @type {Named} */ { nodes }) =>
    /** @type {any[]} */ (nodes).find((node) => node.typeParameters)?.typeParameters ?? [];
  const given = shared(texts, parameters(was), parameters(is));
  if (was.kind === "function")
    return compare.functions(
      was.nodes.filter(ts.isFunctionDeclaration),
      is.nodes.filter(ts.isFunctionDeclaration),
      tell,
      {},
    );
  const inherited = bases(is).map((node) => texts.of(node, given.new).text);
  if (both.old.length > 0 && both.new.length > 0)
    return compareMembers(questions, {
      names: given,
      declarations: both,
      positions: { in: false, out: true },
      isClass: false,
      // What is written here is compared here.
      self: inherited.length > 0 ? { type: inherited.join(" & ") } : {},
      inherited: () => false,
      base: { old: null, new: null },
      closed: false,
      report: ({ member, ...one }) =>
        compare.report({
          ...one,
          symbol: `${at.symbol}.${member.name}`,
          kind: "member",
          what: one.what ?? member.name,
        }),
    });
  const type = (/** @type {Named} */ { nodes }) => /** @type {any} */ (nodes[0]).type;
  if (!type(was) || !type(is)) return;
  const [before, after] = [texts.of(type(was), given.old), texts.of(type(is), given.new)];
  if (before.same === after.same) return;
  questions.ask(given.declared, { was: before.text, now: after.text }, (answer) => {
    const change = { old: type(was).getText(), new: type(is).getText() };
    if (was.kind === "constant") {
      if (!answer.serves("now", "was")) tell("constant-type-changed", change);
    } else if (!answer.serves("now", "was") || !answer.fits("was", "now"))
      tell("type-changed", change);
  });
}
