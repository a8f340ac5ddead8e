// Interfaces, classes and object types, member by member: who reads them, who makes or implements
// them, who derives from them.

import { alike } from "./likeness.mjs";
import { arrow, compareSignatures, model } from "./signatures.mjs";
import { selves } from "./text.mjs";
import { ts } from "./typescript.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {import("typescript").TypeNode} TypeNode */
/** @typedef {import("./compare.mjs").Difference} Difference */
/** @typedef {import("./compare.mjs").Tell} Tell */
/** @typedef {import("./questions.mjs").Answer} Answer */
/** @typedef {import("./questions.mjs").Questions} Questions */
/** @typedef {import("./signatures.mjs").Found} Found */
/** @typedef {import("./signatures.mjs").Signature} Signature */
/** @typedef {import("./signatures.mjs").Ways} Ways */
/** @typedef {import("./text.mjs").Names} Names */
/** @typedef {import("./text.mjs").Texts} Texts */
/** @typedef {{ questionToken?: Node, type?: TypeNode }} Typed */
/** @typedef {(import("typescript").ClassElement | import("typescript").TypeElement) & Typed} Element */
/** @typedef {Node & { members: readonly Element[], name?: Node }} Body a class, or a type */
/** @typedef {Node & { modifiers?: readonly Node[] }} Modified */
/**
 * @typedef {object} Member
 * @property {string} key
 * @property {string} name
 * @property {Node} symbol its name
 * @property {boolean} isStatic
 * @property {Element[]} nodes overloads, a getter and its setter
 * @property {boolean} readonly
 * @property {boolean} optional
 * @property {boolean} isProtected
 * @property {boolean} isAbstract
 * @property {ReturnType<typeof kind>} kind
 * @property {string} shown
 * @property {TypeNode | undefined} type
 * @property {readonly Signature[]} signatures
 * @property {string} same
 * @property {boolean} [renamed] it was found under an old name, or was static
 */
/**
 * @typedef {object} About what is compared
 * @property {import("./signatures.mjs").Shared} names
 * @property {{ old: Body[], new: Body[] }} declarations
 * @property {Ways} positions
 * @property {boolean} isClass
 * @property {{ type?: string, value?: string }} self the new type's text, and that of the class itself
 * @property {(member: Member) => boolean} inherited has the old one it, inherited members included?
 * @property {(found: Difference & { member: { name: string } }) => void} report
 * @property {{ old: readonly Node[] | null, new: readonly Node[] | null }} base what it is derived from
 * @property {boolean} [hidden] users get instances of it, and not the class itself
 * @property {boolean} closed nobody else can call its constructor
 */

/** @param {Modified} node @param {keyof typeof ts.SyntaxKind} kind */
export const has = (node, kind) =>
  Boolean(node.modifiers?.some((m) => m.kind === ts.SyntaxKind[kind]));

/**
 * Members by key. A key says what they are called, and whether the class itself has them.
 *
 * @param {Texts} texts
 * @param {Body[]} declarations
 * @param {Names} names
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one statement for each fact of a member
export function members(texts, declarations, names) {
  /** @type {Map<string, Member>} */
  const found = new Map();
  for (const node of declarations.flatMap((d) => [...d.members])) {
    // A semicolon too many.
    if (ts.isSemicolonClassElement(node)) continue;
    if (has(node, "PrivateKeyword") || (node.name && ts.isPrivateIdentifier(node.name))) continue;
    const isStatic = has(node, "StaticKeyword");
    const name = nameOf(texts, node, names);
    const key = `${isStatic ? "static " : ""}${name.same}`;
    /** @type {Member} */
    const member = found.get(key) ?? {
      key,
      name: name.shown,
      symbol: node.name ?? node,
      isStatic,
      nodes: [],
      readonly: true,
      optional: false,
      isProtected: false,
      isAbstract: false,
      kind: kind(node),
      shown: "",
      type: undefined,
      signatures: [],
      same: "",
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
        : /** @type {(Element & Signature)[]} */ (member.nodes);
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

/** @param {Texts} texts @param {Element} node @param {Names} names */
function nameOf(texts, node, names) {
  if (ts.isConstructorDeclaration(node)) return { same: "new()", shown: "constructor" };
  if (ts.isConstructSignatureDeclaration(node)) return { same: "new()", shown: "new()" };
  if (ts.isCallSignatureDeclaration(node)) return { same: "()", shown: "()" };
  if (ts.isIndexSignatureDeclaration(node)) {
    // The compiler's parser gives an index signature its parameter, and that a type.
    const type = /** @type {import("typescript").TypeNode} */ (node.parameters[0]?.type);
    return { same: `[${texts.of(type, names).same}]`, shown: `[${type.getText()}]` };
  }
  // All others have a name.
  const name = /** @type {import("typescript").PropertyName} */ (node.name);
  if (ts.isComputedPropertyName(name)) {
    const { world } = texts;
    const located = world.locate(
      world.resolved(world.checker.getSymbolAtLocation(name.expression)),
    );
    const same = located?.side ? texts.key(texts.target(located)) : texts.of(name, names).same;
    return { same, shown: name.getText() };
  }
  return { same: JSON.stringify(name.text), shown: name.text };
}

/** @param {Node} node */
function kind(node) {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  if (ts.isMethodDeclaration(node) || ts.isMethodSignature(node)) return "method";
  if (ts.isCallSignatureDeclaration(node) || ts.isConstructSignatureDeclaration(node))
    return "call";
  return ts.isIndexSignatureDeclaration(node) ? "index" : "property";
}

/** A getter says what readers get; a setter alone what may be set. @param {Member} member */
function typeOf(member) {
  const getter = member.nodes.find(ts.isGetAccessor);
  const [first] = member.nodes;
  return getter?.type ?? (ts.isSetAccessor(first) ? first.parameters[0]?.type : first.type);
}

/** What may be set, where it is not what readers get. @param {Member} member */
function setter(member) {
  return member.nodes.find(ts.isSetAccessor)?.parameters[0]?.type;
}

/** How many of them are marked as deprecated. @param {readonly Node[]} nodes */
export function deprecated(nodes) {
  return nodes.filter((node) => ts.getJSDocDeprecatedTag(node)).length;
}

/** @param {Questions} questions @param {About} about */
export function compareMembers(questions, about) {
  const { texts } = questions;
  const before = members(texts, about.declarations.old, about.names.old);
  if (about.hidden)
    for (const { key, isStatic } of before.values()) if (isStatic) before.delete(key);
  const after = members(texts, about.declarations.new, about.names.new);
  const gone = [...before.values()].filter((m) => !after.has(m.key));
  const come = [...after.values()].filter(
    (m) => !before.has(m.key) && !about.inherited(m) && !(about.hidden && m.isStatic),
  );
  for (const member of gone) {
    if (member.kind === "constructor") continue;
    missing(questions, about, member, come);
  }
  questions.after(() => {
    for (const m of come) if (!m.renamed && m.kind !== "constructor") added(about, m);
  });
  for (const [key, was] of before) {
    const is = after.get(key);
    if (is) kept(questions, about, was, is);
  }
  if (about.isClass) constructors(questions, about, before.get("new()"), after.get("new()"));
}

/**
 * Not written here any more: inherited, made protected or private, renamed, or gone.
 *
 * @param {Questions} questions
 * @param {About} about
 * @param {Member} member
 * @param {Member[]} come members that were not there
 */
function missing(questions, about, member, come) {
  /** @type {Tell} */
  const tell = (rule, extra = {}) =>
    about.report({ rule, member, oldNode: member.symbol, was: member.shown, ...extra });
  const self = member.isStatic ? about.self.value : about.self.type;
  const was = self && inherited(questions.texts, member, about.names.old, self);
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one condition for each rule
  questions.ask(about.names.declared, was ? { self, was } : {}, (answer) => {
    const changed = () =>
      about.positions.out &&
      tell("member-type-changed", {
        old: (member.kind === "property" && member.type?.getText()) || member.shown,
        new: "inherited",
      });
    if (was && !isNamed(member)) {
      // A computed name may be gone, and then the compiler leaves the member out.
      const lost = hasName(member) && answer.type("was").getProperties().length === 0;
      if (!lost && answer.fits("self", "was")) return;
      if (unnamed(answer, member).length > 0) return changed();
    }
    const here =
      was && isNamed(member)
        ? answer.checker.getPropertyOfType(
            answer.checker.getApparentType(answer.type("self")),
            member.name,
          )
        : undefined;
    /** @type {readonly import("typescript").NamedDeclaration[]} */
    const declarations = here?.declarations ?? [];
    const hidden = declarations.some(
      (d) => has(d, "PrivateKeyword") || (has(d, "ProtectedKeyword") && !member.isProtected),
    );
    if (here && !hidden) {
      const { checker } = answer;
      // `this` of a global interface is not known: the compiler merges both versions of it.
      if (!about.self.value && declarations.some((d) => selves(d).length > 0)) return;
      if (!checker.isTypeAssignableTo(checker.getTypeOfSymbol(here), answer.type("was"))) changed();
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
      const isProtected = declarations.some((d) => has(d, "ProtectedKeyword"));
      return tell(isProtected ? "member-became-protected" : "member-became-private", {
        newNode: declarations[0].name,
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

/** @param {Member} member */
function hasName({ kind }) {
  return kind !== "call" && kind !== "index";
}

/** Can it be found by its name? @param {Member} member */
function isNamed(member) {
  return hasName(member) && !ts.isComputedPropertyName(member.symbol);
}

/**
 * The type that a member has, if a base has it now; of one without a name, a type that has it.
 *
 * @param {Texts} texts
 * @param {Member} member
 * @param {Names} names
 * @param {string} self what `this` is
 */
function inherited(texts, member, names, self) {
  const own = new Map(names).set("this", self);
  if (member.kind === "call") return `{ ${called(texts, member, own)} }`;
  if (member.kind === "index") return `{ ${texts.of(member.nodes[0], own).text} }`;
  const type = member.type ? texts.of(member.type, own).text : "any";
  const whole =
    member.kind === "method"
      ? member.signatures.map((node) => arrow(texts, node, own)).join(" & ")
      : type;
  return isNamed(member)
    ? open(member, whole)
    : `{ ${texts.of(member.symbol, own).text}: ${whole} }`;
}

/** Who may leave it out may give undefined, and reads it. @param {Member} member @param {string} type */
function open(member, type) {
  return member.optional ? `(${type}) | undefined` : type;
}

/** What the new type has of this kind. @param {Answer} answer @param {Member} member */
function unnamed({ checker, type }, member) {
  if (member.kind === "index") return checker.getIndexInfosOfType(type("self"));
  if (member.kind !== "call") return [];
  return member.nodes.some(ts.isConstructSignatureDeclaration)
    ? type("self").getConstructSignatures()
    : type("self").getCallSignatures();
}

/**
 * Signatures as members of a type.
 *
 * @param {Texts} texts
 * @param {Member} member
 * @param {Names} names
 */
function called(texts, member, names) {
  const word = member.nodes.some(ts.isConstructSignatureDeclaration) ? "new " : "";
  return member.signatures
    .map((node) => word + model(texts, node, names).whole.replace(/\) =>/, "):").slice(1, -1))
    .join("; ");
}

/** What it is but for its name. @param {Member} member */
function shape(member) {
  return member.same
    .split(member.key.replace(/^static /, ""))
    .join("")
    .split(member.name)
    .join("");
}

/** @param {About} about @param {Member} member */
function added(about, member) {
  const tell = (/** @type {string} */ rule) =>
    about.report({ rule, member, newNode: member.symbol, is: member.shown });
  if (about.isClass) return tell(member.isAbstract ? "abstract-member-added" : "member-added");
  const required = !member.optional && member.kind !== "index" && about.positions.in;
  tell(required ? "member-added-required" : "member-added");
}

/** @param {Questions} questions @param {About} about @param {Member} was @param {Member} is */
function kept(questions, about, was, is) {
  if (deprecated(is.nodes) > deprecated(was.nodes))
    about.report({ rule: "deprecated", member: is, newNode: is.symbol, is: is.shown });
  if (was.same !== is.same) changed(questions, about, was, is);
}

/** @param {Questions} questions @param {About} about @param {Member} was @param {Member} is */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one condition for each rule
function changed(questions, about, was, is) {
  /** @type {Tell} */
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

/**
 * @param {Questions} questions
 * @param {About} about
 * @param {Member} was
 * @param {Member} is
 * @param {Ways} asked
 * @param {Tell} tell
 * @param {string | undefined} whom who is affected, if not everyone
 */
function types(questions, about, was, is, asked, tell, whom) {
  const { texts } = questions;
  const text = (/** @type {Member} */ member, /** @type {Names} */ names) => {
    if (member.kind === "property" || member.kind === "index")
      return member.type ? texts.of(member.type, names).text : "any";
    return `{ ${called(texts, member, names)} }`;
  };
  const shown = (/** @type {Member} */ member) => member.type?.getText() ?? member.shown;
  const [before, after] = [setter(was), setter(is)];
  const [old, now] = [text(was, about.names.old), text(is, about.names.new)];
  const asking = {
    was: old,
    now,
    read: open(was, old),
    given: open(is, now),
    set: before ? texts.of(before, about.names.old).text : old,
    taken: after ? texts.of(after, about.names.new).text : open(is, now),
  };
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one condition for each rule
  questions.ask(about.names.declared, asking, (answer) => {
    const extra = { old: shown(was), new: shown(is), whom };
    const [widened, narrowed] = [
      asked.out && !was.nodes.every(ts.isSetAccessor) && !answer.serves("now", "read"),
      asked.in && !answer.fits("was", "given"),
    ];
    const rule = narrowed ? "member-type-narrowed" : "member-type-widened";
    if (widened || narrowed) return tell(widened && narrowed ? "member-type-changed" : rule, extra);
    if (about.isClass && !is.readonly && !answer.fits("set", "taken"))
      tell(before || after ? "setter-takes-less" : "member-takes-less", {
        whom,
        old: before?.getText() ?? shown(was),
        new: after?.getText() ?? shown(is),
      });
  });
}

/**
 * What `new` takes.
 * A constructor that is not written comes from the base, and takes nothing where there is none.
 *
 * @param {Questions} questions
 * @param {About} about
 * @param {Member | undefined} was
 * @param {Member | undefined} is
 */
function constructors(questions, about, was, is) {
  const tell = (/** @type {Found[]} */ found) => {
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
        was.signatures,
        is.signatures,
        { positions: { out: true }, names: about.names },
        tell,
      );
    return;
  }
  if (!was && is && !about.base.old) {
    const required = is.signatures.map((n) =>
      n.parameters.filter((p) => !p.questionToken && !p.dotDotDotToken),
    );
    if (required.every((list) => list.length > 0))
      tell(required[0].map((p) => ({ rule: "parameter-added-required", what: p.name.getText() })));
  } else if (was && !is && !about.base.new && was.signatures.some((n) => n.parameters.length > 0)) {
    tell(
      [...new Set(was.signatures.flatMap((n) => n.parameters.map((p) => p.name.getText())))].map(
        (what) => ({ rule: "parameter-removed", what }),
      ),
    );
  }
}
