// Interfaces, classes and object types, member by member: who reads them, who makes or implements
// them, who derives from them.

import { alike } from "./likeness.mjs";
import { compareSignatures, model } from "./signatures.mjs";
import { ts } from "./typescript.mjs";

const has = (node, kind) => Boolean(node.modifiers?.some((m) => m.kind === ts.SyntaxKind[kind]));

/** Members by key. A key says what they are called, and whether the class itself has them. */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one statement for each fact of a member
export function members(texts, declarations, names) {
  const found = new Map();
  for (const node of declarations.flatMap((d) => [...d.members])) {
    if (has(node, "PrivateKeyword") || (node.name && ts.isPrivateIdentifier(node.name))) continue;
    const isStatic = has(node, "StaticKeyword");
    const name = nameOf(texts, node, names);
    const key = `${isStatic ? "static " : ""}${name.same}`;
    const member = found.get(key) ?? {
      key,
      name: name.shown,
      symbol: node.name ?? node,
      isStatic,
      nodes: [],
      readonly: true,
    };
    found.set(key, member);
    member.nodes.push(node);
    member.optional = Boolean(node.questionToken);
    // A getter alone can't be set.
    member.readonly = member.readonly && (ts.isGetAccessor(node) || has(node, "ReadonlyKeyword"));
    member.isProtected = has(node, "ProtectedKeyword");
    member.isAbstract = has(node, "AbstractKeyword");
    member.kind = kind(node);
    member.shown = node.getText().replace(/[;,]$/, "");
  }
  for (const member of found.values()) {
    member.type = typeOf(member);
    const type =
      member.type && ts.isParenthesizedTypeNode(member.type) ? member.type.type : member.type;
    member.signatures =
      member.kind === "property"
        ? type && ts.isFunctionTypeNode(type)
          ? [type]
          : []
        : member.nodes;
    // Written differently, or only laid out differently? The order of overloads counts.
    const written = member.nodes.map((n) =>
      texts
        .of(n, names)
        .same.replace(/^(public|declare) /, "")
        .replace(/[;,]$/, "")
        .trim(),
    );
    member.same = (member.kind === "property" ? written.sort() : written).join("; ");
  }
  return found;
}

function nameOf(texts, node, names) {
  if (ts.isConstructorDeclaration(node) || ts.isConstructSignatureDeclaration(node))
    return { same: "new()", shown: "constructor" };
  if (ts.isCallSignatureDeclaration(node)) return { same: "()", shown: "()" };
  if (ts.isIndexSignatureDeclaration(node)) {
    // The compiler's parser gives an index signature its parameter, and that a type.
    const type = /** @type {import("typescript").TypeNode} */ (node.parameters[0]?.type);
    return { same: `[${texts.of(type, names).same}]`, shown: `[${type.getText()}]` };
  }
  if (ts.isComputedPropertyName(node.name))
    return { same: texts.of(node.name, names).same, shown: node.name.getText() };
  return { same: JSON.stringify(node.name.text), shown: node.name.text };
}

function kind(node) {
  if (ts.isConstructorDeclaration(node) || ts.isConstructSignatureDeclaration(node))
    return "constructor";
  if (ts.isMethodDeclaration(node) || ts.isMethodSignature(node)) return "method";
  if (ts.isCallSignatureDeclaration(node)) return "call";
  return ts.isIndexSignatureDeclaration(node) ? "index" : "property";
}

/** A getter says what readers get; a setter alone what may be set. */
function typeOf(member) {
  const getter = member.nodes.find(ts.isGetAccessor);
  const [first] = member.nodes;
  return getter?.type ?? (ts.isSetAccessor(first) ? first.parameters[0]?.type : first.type);
}

/**
 * `about`: { symbol, positions, names, declarations: { old, new }, self: { old, new }, report, isClass,
 * word }.
 * self.new is the new type's text; self.old answers what the old one has, inherited members included.
 */
export function compareMembers(questions, about) {
  const { texts } = questions;
  const before = members(texts, about.declarations.old, about.names.old);
  const after = members(texts, about.declarations.new, about.names.new);
  const gone = [...before.values()].filter((m) => !after.has(m.key));
  const come = [...after.values()].filter((m) => !before.has(m.key) && !about.inherited(m));
  for (const member of gone) {
    if (member.kind === "constructor") continue;
    missing(questions, about, member, come);
  }
  questions.after(() => {
    for (const m of come) if (!m.renamed && m.kind !== "constructor") added(about, m);
  });
  for (const [key, was] of before) {
    const is = after.get(key);
    if (is && was.same !== is.same) changed(questions, about, was, is);
  }
  if (about.isClass) constructors(questions, about, before.get("new()"), after.get("new()"));
}

/** Not written here any more: inherited, made protected or private, renamed, or gone. */
function missing(questions, about, member, come) {
  const tell = (rule, extra = {}) =>
    about.report({ rule, member, oldNode: member.symbol, was: member.shown, ...extra });
  const self = member.isStatic ? about.self.value : about.self.type;
  const types =
    self && member.kind !== "index" && member.kind !== "call"
      ? {
          self,
          ...(member.type && member.kind === "property"
            ? { was: questions.texts.of(member.type, about.names.old).text }
            : {}),
        }
      : {};
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one condition for each rule
  questions.ask(about.names.declared, types, (answer) => {
    const here =
      types.self && !member.symbol.expression
        ? answer.checker.getPropertyOfType(
            answer.checker.getApparentType(answer.type("self")),
            member.name,
          )
        : undefined;
    const hidden = here?.declarations?.some(
      (d) => has(d, "PrivateKeyword") || (has(d, "ProtectedKeyword") && !member.isProtected),
    );
    if (here && !hidden) {
      if (
        types.was &&
        !answer.checker.isTypeAssignableTo(
          answer.checker.getTypeOfSymbol(here),
          answer.type("was"),
        ) &&
        about.positions.out
      )
        tell("member-type-changed", { old: member.type.getText(), new: "inherited" });
      return;
    }
    const now = come.find(
      (m) =>
        !m.renamed &&
        m.kind === member.kind &&
        m.isStatic === member.isStatic &&
        shape(m) === shape(member) &&
        alike(m.name, member.name),
    );
    if (hidden) {
      const isProtected = here.declarations.some((d) => has(d, "ProtectedKeyword"));
      return tell(isProtected ? "member-became-protected" : "member-became-private", {
        newNode: here.declarations[0].name,
      });
    }
    if (now) {
      now.renamed = true;
      return tell("member-renamed", { new: now.name, newNode: now.symbol, is: now.shown });
    }
    const moved = come.find((m) => m.name === member.name && m.isStatic !== member.isStatic);
    if (moved) {
      moved.renamed = true;
      return tell(moved.isStatic ? "member-became-static" : "member-no-longer-static", {
        newNode: moved.symbol,
        is: moved.shown,
      });
    }
    tell("member-removed");
  });
}

function shape(member) {
  return member.same
    .split(member.key.replace(/^static /, ""))
    .join("")
    .split(member.name)
    .join("");
}

function added(about, member) {
  const tell = (rule) => about.report({ rule, member, newNode: member.symbol, is: member.shown });
  if (about.isClass) return tell(member.isAbstract ? "abstract-member-added" : "member-added");
  const required = !member.optional && member.kind !== "index" && about.positions.in;
  tell(required ? "member-added-required" : "member-added");
}

// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one condition for each rule
function changed(questions, about, was, is) {
  const tell = (rule, extra = {}) =>
    about.report({
      rule,
      member: is,
      oldNode: was.symbol,
      newNode: is.symbol,
      was: was.shown,
      is: is.shown,
      ...extra,
    });
  if (was.kind === "constructor") return;
  const { positions } = about;
  const whom = was.isProtected || is.isProtected ? "subclasses" : undefined;
  if (!was.isProtected && is.isProtected) tell("member-became-protected");
  if (is.isAbstract && !was.isAbstract) tell("member-became-abstract", { whom: "subclasses" });
  if (!was.optional && is.optional && positions.out) tell("member-became-optional", { whom });
  if (was.optional && !is.optional && positions.in && !about.isClass)
    tell("member-became-required");
  if (
    was.kind === "property" &&
    is.kind === "property" &&
    !was.readonly &&
    is.readonly &&
    positions.out
  )
    tell("member-became-readonly", { whom });
  // Who implements an abstract member is asked like who implements an interface.
  const asked = { out: positions.out, in: positions.in || was.isAbstract };
  if (was.signatures.length > 0 && is.signatures.length > 0) {
    const slot = {
      positions: asked,
      method: was.kind === "method" && is.kind === "method",
      names: about.names,
    };
    compareSignatures(questions, was.signatures, is.signatures, slot, (found) => {
      for (const one of found) tell(one.rule, { ...one, whom: whom ?? one.whom });
    });
    if (was.kind !== is.kind && about.isClass)
      tell("method-or-property", { old: was.kind, new: is.kind });
  } else {
    types(questions, about, was, is, asked, tell, whom);
  }
}

function types(questions, about, was, is, asked, tell, whom) {
  const { texts } = questions;
  const text = (member, names) => {
    if (member.kind === "property") return member.type ? texts.of(member.type, names).text : "any";
    if (member.kind === "index") return texts.of(member.nodes[0].type, names).text;
    const call = (node) => model(texts, node, names).whole.replace(/\) =>/, "):").slice(1, -1);
    return `{ ${member.nodes.map(call).join("; ")} }`;
  };
  const shown = (member) => member.type?.getText() ?? member.shown;
  const asking = { was: text(was, about.names.old), now: text(is, about.names.new) };
  questions.ask(about.names.declared, asking, (answer) => {
    const extra = { old: shown(was), new: shown(is), whom };
    const [widened, narrowed] = [
      asked.out && !answer.serves("now", "was"),
      asked.in && !answer.fits("was", "now"),
    ];
    if (widened && narrowed) tell("member-type-changed", extra);
    else if (widened) tell("member-type-widened", extra);
    else if (narrowed) tell("member-type-narrowed", extra);
    else if (about.isClass && !is.readonly && !answer.fits("was", "now"))
      tell("member-takes-less", extra);
  });
}

/**
 * What `new` takes.
 * A constructor that is not written comes from the base, and takes nothing where there is none.
 */
function constructors(questions, about, was, is) {
  const tell = (found) => {
    for (const one of found)
      about.report({
        ...one,
        member: { name: "constructor" },
        oldNode: was?.symbol ?? about.declarations.old[0].name,
        newNode: is?.symbol ?? about.declarations.new[0].name,
        was: was?.shown,
        is: is?.shown,
      });
  };
  if (about.closed) return;
  if (is?.isProtected && !was?.isProtected) return tell([{ rule: "constructor-became-protected" }]);
  if (was && is) {
    if (was.same !== is.same)
      compareSignatures(
        questions,
        was.nodes,
        is.nodes,
        { positions: { out: true }, names: about.names },
        tell,
      );
    return;
  }
  if (!was && is && !about.base.old) {
    const required = is.nodes.map((n) =>
      n.parameters.filter((p) => !p.questionToken && !p.dotDotDotToken),
    );
    if (required.every((list) => list.length > 0))
      tell(required[0].map((p) => ({ rule: "parameter-added-required", what: p.name.getText() })));
  } else if (was && !is && !about.base.new && was.nodes.some((n) => n.parameters.length > 0)) {
    tell(
      [...new Set(was.nodes.flatMap((n) => n.parameters.map((p) => p.name.getText())))].map(
        (what) => ({ rule: "parameter-removed", what }),
      ),
    );
  }
}
