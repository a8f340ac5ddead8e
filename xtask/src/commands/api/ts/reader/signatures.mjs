// Functions, methods and constructors: what a caller can no longer do, and what an implementation can
// no longer be.

import { references } from "./references.mjs";
import { ts } from "./typescript.mjs";

/** @typedef {import("typescript").SignatureDeclarationBase} Signature */
/** @typedef {import("typescript").TypeParameterDeclaration} TypeParameter */
/** @typedef {import("typescript").ParameterDeclaration} Parameter */
/** @typedef {import("typescript").TypeNode} TypeNode */
/** @typedef {import("typescript").Type} Type */
/** @typedef {import("typescript").TypeChecker} TypeChecker */
/** @typedef {import("./text.mjs").Names} Names */
/** @typedef {import("./text.mjs").Texts} Texts */
/** @typedef {import("./questions.mjs").Questions} Questions */
/** @typedef {import("./questions.mjs").Answer} Answer */
/** @typedef {{ rule: string, what?: string, old?: string, new?: string, whom?: string }} Found */
/** @typedef {(found: Found[]) => void} Tell */
/** @typedef {{ in?: boolean, out?: boolean }} Ways who is asked: those who implement, those who call */
/** @typedef {readonly TypeParameter[]} TypeParameters */
/** @typedef {readonly Signature[]} Signatures overloads */
/** @typedef {Record<string, string>} Types of a question */
/** @typedef {{ i: number, name: string, old: string, now: string }} Rewritten of type parameter i */
/** @typedef {ReturnType<typeof model>} Model */
/** @typedef {Model["parameters"][number]} Taken */
/**
 * @typedef {object} Shared what type parameters are called, so that both versions have the same names
 * @property {Names} old
 * @property {Names} new
 * @property {string[]} declared as a question declares them
 */
/**
 * @typedef {object} Slot
 * @property {Ways} positions
 * @property {boolean} [plain] it is called without an object
 * @property {boolean} [method] the compiler compares a method's parameters both ways round
 * @property {Shared} names what the types around are called
 */
/**
 * @typedef {object} Pairing
 * @property {(node: Signature, names: Names, key: unknown) => Model} model
 * @property {boolean} single there is no other signature
 * @property {() => boolean} served nothing is left to find
 */

/**
 * Type parameters of both versions under names that both share.
 *
 * @param {Texts} texts
 * @param {TypeParameters} old
 * @param {TypeParameters} now
 * @param {Shared} outer names of what is around
 * @param {string} prefix
 * @returns {Shared}
 */
export function shared(
  texts,
  old,
  now,
  outer = { old: new Map(), new: new Map(), declared: [] },
  prefix = "T",
) {
  const { checker } = texts.world;
  const names = { old: new Map(outer.old), new: new Map(outer.new) };
  const symbol = (/** @type {TypeParameter} */ parameter) =>
    checker.getSymbolAtLocation(parameter.name);
  for (const [i, parameter] of old.entries()) names.old.set(symbol(parameter), `${prefix}${i}`);
  now.forEach((parameter, i) => {
    if (i < old.length) names.new.set(symbol(parameter), `${prefix}${i}`);
  });
  now.slice(old.length).forEach((parameter) => {
    names.new.set(
      symbol(parameter),
      parameter.default ? `(${texts.of(parameter.default, names.new).text})` : "any",
    );
  });
  const declared = old.map((parameter, i) => {
    const { constraint } = parameter;
    return `${prefix}${i}${constraint ? ` extends ${texts.of(constraint, names.old).text}` : ""}`;
  });
  return { ...names, declared: [...outer.declared, ...declared] };
}

/** A signature as texts. @param {Texts} texts @param {Signature} node @param {Names} names */
export function model(texts, node, names) {
  const all = [...node.parameters];
  const self = all[0]?.name.getText() === "this" ? all.shift() : null;
  const text = (/** @type {TypeNode | undefined} */ type) =>
    type ? texts.of(type, names) : { text: "any", same: "any" };
  const parameters = all.map((parameter, i) => ({
    name: ts.isIdentifier(parameter.name) ? parameter.name.text : `arg${i}`,
    optional: Boolean(parameter.questionToken),
    rest: Boolean(parameter.dotDotDotToken),
    shown: parameter.type?.getText() ?? "any",
    ...text(parameter.type),
  }));
  const predicate = node.type && ts.isTypePredicateNode(node.type) ? node.type : null;
  const returned = text(node.type);
  const result = predicate ? (predicate.assertsModifier ? "void" : "boolean") : returned.text;
  const write = (/** @type {"text" | "same"} */ key) => {
    const list = parameters.map(
      (p) => `${p.rest ? "..." : ""}${p.name}${p.optional ? "?" : ""}: ${p[key]}`,
    );
    if (self) list.unshift(`this: ${text(self.type)[key]}`);
    return list.join(", ");
  };
  const labels = parameters.map(
    (p, i) => `${p.rest ? "..." : ""}a${i}${p.optional ? "?" : ""}: ${p.text}`,
  );
  const own = (node.typeParameters ?? []).map((p) => texts.of(p, names).same).join(", ");
  return {
    node,
    parameters,
    predicate,
    asserted: predicate?.type ? text(predicate.type).text : "unknown",
    self: self ? text(self.type).text : null,
    taken: `[${labels.join(", ")}]`,
    result,
    shown: node.type?.getText() ?? "any",
    whole: `((${write("text")}) => ${returned.text})`,
    method: `{ m(${write("text")}): ${returned.text} }`,
    same: `<${own}>(${write("same")}) => ${returned.same}`,
  };
}

/**
 * Two lists of overloads.
 *
 * @param {Questions} questions
 * @param {Signatures} old
 * @param {Signatures} now
 * @param {Slot} slot
 * @param {Tell} found
 */
export function compareSignatures(questions, old, now, slot, found) {
  const { texts } = questions;
  const flat = (/** @type {Signatures} */ nodes, /** @type {Names} */ names) =>
    nodes.map((node) => model(texts, node, names).same);
  const [before, after] = [
    flat(old, canonical(texts, old, slot.names.old)),
    flat(now, canonical(texts, now, slot.names.new)),
  ];
  const left = old.filter((_, i) => !after.includes(before[i]));
  if (slot.positions.out) order(questions, { old, now, before, after }, slot, found);
  if (left.length === 0) return;
  if (slot.positions.out) called(questions, left, old, now, slot, found);
  if (slot.positions.in) implemented(questions, old, now, slot, found);
}

/**
 * Type parameters by number: what they are called is no difference.
 *
 * @param {Texts} texts
 * @param {Signatures} nodes
 * @param {Names} outer
 */
function canonical(texts, nodes, outer) {
  const names = new Map(outer);
  for (const node of nodes) {
    for (const [i, p] of (node.typeParameters ?? []).entries()) {
      names.set(texts.world.checker.getSymbolAtLocation(p.name), `U${i}`);
    }
  }
  return names;
}

/**
 * @param {Questions} questions
 * @param {Signatures} left those of `old` that are no longer there as they were
 * @param {Signatures} old
 * @param {Signatures} now
 * @param {Slot} slot
 * @param {Tell} found
 */
function called(questions, left, old, now, slot, found) {
  const single = old.length === 1 && now.length === 1;
  const common = { ...slot, model: models(questions.texts), single };
  for (const one of left) {
    /** @type {Found[][]} */
    const tries = [];
    const served = () => tries.some((differences) => differences.length === 0);
    for (const other of now)
      pair(questions, one, other, { ...common, served }, (found) => tries.push(found));
    questions.after(() => {
      if (served()) return;
      if (single) return found(tries[0]);
      const rule = now.length < old.length ? "overload-removed" : "overload-changed";
      byLength(questions, one, old, now, slot, () => found([{ rule, old: flatText(one) }]));
    });
  }
}

/** How many arguments it takes; null where its rest parameter's type does not say. @param {Signature} node */
function lengths(node) {
  let [least, most] = [0, 0];
  for (const { name, type, questionToken, dotDotDotToken } of node.parameters) {
    if (name.getText() === "this") continue;
    const count = dotDotDotToken ? restLength(type) : 1;
    if (count === null) return null;
    most += count;
    if (!questionToken && count > 0 && count < Infinity) least = most;
  }
  return { least, most };
}

/** @param {TypeNode | undefined} type */
function restLength(type) {
  if (type && ts.isArrayTypeNode(type)) return Infinity;
  if (!type || !ts.isTupleTypeNode(type)) return null;
  return type.elements.every(isPlain) ? type.elements.length : null;
}

/** An element of a tuple that is there, once. @param {TypeNode} element */
function isPlain(element) {
  return ts.isNamedTupleMember(element)
    ? !element.questionToken && !element.dotDotDotToken
    : !ts.isOptionalTypeNode(element) && !ts.isRestTypeNode(element);
}

/** @typedef {ReturnType<typeof lengths>} Lengths */

/** Can the second get as many arguments as the first? @param {Lengths} was @param {Lengths} is */
function mayServe(was, is) {
  return !was || !is || (is.least <= was.least && was.most <= is.most);
}

/**
 * Several overloads may together serve the calls of one: without and with an optional argument.
 *
 * @param {Questions} questions
 * @param {Signature} one
 * @param {Signatures} old
 * @param {Signatures} now
 * @param {Slot} slot
 * @param {() => void} otherwise
 */
function byLength(questions, one, old, now, slot, otherwise) {
  const { texts } = questions;
  const own = one.typeParameters ?? [];
  const same = (/** @type {Signature} */ other) =>
    (other.typeParameters ?? []).length === own.length;
  const names = shared(texts, own, own, slot.names, "U");
  const was = model(texts, one, names.old);
  const first = was.parameters.findIndex((p) => p.optional || p.rest);
  if (first < 0) return otherwise();
  const others = [...old.slice(0, old.indexOf(one)), ...now].filter(same);
  const lengths = was.parameters.map((_, i) => i + 1).filter((length) => length > first);
  const taken = [first, ...lengths].map((length) => {
    const list = was.parameters.slice(0, length);
    return `[${list.map((p, i) => (p.rest ? `...a${i}: ${p.text}` : `a${i}: ${p.text}`)).join(", ")}]`;
  });
  const served = taken.map(() => false);
  for (const other of others) {
    const {
      old: before,
      new: after,
      declared,
    } = shared(texts, own, other.typeParameters ?? [], slot.names, "U");
    const released = old.includes(other);
    const is = model(texts, other, released ? namesOf(texts, other, slot.names.old) : after);
    /** @type {Types} */
    const types = { ia: is.taken, ir: is.result, wr: model(texts, one, before).result };
    for (const [i, text] of taken.entries()) types[`w${i}`] = text;
    questions.ask(declared, types, (answer) => {
      const serving = [...taken.keys()].filter((i) => !served[i] && answer.fits(`w${i}`, "ia"));
      if (serving.length === 0) return;
      // What an earlier overload served is compared with that one.
      const serves = released || returned(answer, was, is).length === 0;
      if (serves) for (const i of serving) served[i] = true;
    });
  }
  questions.after(() => {
    if (served.includes(false)) otherwise();
  });
}

/** Type parameters by number. @param {Texts} texts @param {Signature} node @param {Names} outer */
function namesOf(texts, node, outer) {
  return shared(texts, node.typeParameters ?? [], [], { old: outer, new: outer, declared: [] }, "U")
    .old;
}

/**
 * The compiler takes the first overload that fits: one that now comes first may serve calls of another,
 * and give something else.
 *
 * @param {Questions} questions
 * @param {{ old: Signatures, now: Signatures, before: string[], after: string[] }} lists with their texts
 * @param {Slot} slot
 * @param {Tell} found
 */
function order(questions, lists, slot, found) {
  const [old, before] = tried(lists.old, lists.before);
  const [now, after] = tried(lists.now, lists.after);
  const told = (/** @type {Signature} */ gives, /** @type {Signature} */ takes) =>
    found([{ rule: "overload-order", old: flatText(gives), new: flatText(takes) }]);
  old.forEach((one, i) => {
    const place = after.indexOf(before[i]);
    if (place < 0) return;
    // What comes first now, and did not; and what came first, and does not any more.
    for (const [k, other] of now.entries()) {
      const was = before.indexOf(after[k]);
      if (k < place && (was < 0 || was > i))
        otherServes(questions, one, other, slot, false, () => told(one, other));
      if (k > place && was >= 0 && was < i)
        otherServes(questions, now[place], old[was], slot, true, () => told(old[was], one));
    }
  });
}

/**
 * Overloads and their texts in the compiler's order: it tries those first that name a literal.
 *
 * @param {Signatures} nodes
 * @param {string[]} texts
 * @returns {[Signatures, string[]]}
 */
function tried(nodes, texts) {
  const isLiteral = (/** @type {number} */ i) =>
    nodes[i].parameters.some(({ type }) => type && ts.isLiteralTypeNode(type));
  const places = [...nodes.keys()].sort((a, b) => Number(isLiteral(b)) - Number(isLiteral(a)));
  return [places.map((i) => nodes[i]), places.map((i) => texts[i])];
}

/**
 * Does `other` take what is written for `one`, and give something else?
 *
 * @param {Questions} questions
 * @param {Signature} one
 * @param {Signature} other
 * @param {Slot} slot
 * @param {boolean} back it did, before
 * @param {() => void} then
 */
function otherServes(questions, one, other, slot, back, then) {
  const { texts } = questions;
  const [mine, theirs] = back ? [slot.names.new, slot.names.old] : [slot.names.old, slot.names.new];
  const own = shared(texts, one.typeParameters ?? [], [], { ...slot.names, old: mine }, "U");
  const names = new Map(theirs);
  for (const p of other.typeParameters ?? [])
    names.set(texts.world.checker.getSymbolAtLocation(p.name), "any");
  // The other's type parameters are what they must be; `any` where nothing says, or they name each other.
  for (const p of other.typeParameters ?? [])
    if (p.constraint)
      names.set(
        texts.world.checker.getSymbolAtLocation(p.name),
        `(${texts.of(p.constraint, names).text})`,
      );
  const [given, result] = [model(texts, one, own.old), model(texts, other, names)];
  const [before, after] = back ? [result, given] : [given, result];
  const types = { taken: given.taken, ia: result.taken, wr: before.result, ir: after.result };
  questions.ask(own.declared, types, (answer) => {
    if (answer.fits("taken", "ia") && returned(answer, before, after).length > 0) then();
  });
}

/** @param {Signature} node */
function flatText(node) {
  return node
    .getText()
    .replace(/\s+/g, " ")
    .replace(/^(export |declare |default |public |static |function )+/, "")
    .replace(/;$/, "");
}

/**
 * Tells how one signature differs from another. Of several, one that does not take the arguments is not told.
 *
 * @param {Questions} questions
 * @param {Signature} one
 * @param {Signature} other
 * @param {Slot & Pairing} slot
 * @param {Tell} then
 */
function pair(questions, one, other, slot, then) {
  const { texts } = questions;
  const [a, given] = [one.typeParameters ?? [], other.typeParameters ?? []];
  const sorted = inOrder(a, given);
  const b = sorted !== given && isRenamed(texts, one, other, slot.names) ? given : sorted;
  const required = b.filter((p) => !p.default).length;
  if (a.length !== b.length && !(a.length > 0 && a.length < b.length && required <= a.length)) {
    if (a.length > 0)
      return questions.after(() =>
        then([
          { rule: "type-parameters-changed", old: shownParameters(a), new: shownParameters(b) },
        ]),
      );
    return generic(questions, one, other, slot, then);
  }
  if (!slot.single && !mayServe(lengths(one), lengths(other))) return;
  const names = shared(texts, a, b, slot.names, "U");
  const was = slot.model(one, names.old, "");
  // The same texts for each partner with as many type parameters, unless they have another order.
  const is = slot.model(other, names.new, b === given ? a.length : one);
  const types = { ...written("w", was), ...written("i", is) };
  const bounds = constraints(texts, a, b, names, types);
  const free = defaults(texts, a, b, names, types).filter(({ i }) => !inferred(texts, one, a[i]));
  const orders = slot.single ? ordersOfReturned(texts, one, other, names) : [];
  questions.ask(names.declared, renamed(types), (answer) => {
    const view = {
      ...answer,
      type: (/** @type {string} */ key) => answer.type(`_${key}`),
      fits: (/** @type {string} */ x, /** @type {string} */ y) => answer.fits(`_${x}`, `_${y}`),
      serves: (/** @type {string} */ x, /** @type {string} */ y) => answer.serves(`_${x}`, `_${y}`),
    };
    // Among several only one without a difference counts.
    if (!slot.single && (slot.served() || !view.fits("wa", "ia"))) return;
    const narrower = bounds
      .filter(({ i }) => !view.fits(`wc${i}`, `ic${i}`))
      .map(({ name, old, now }) => ({
        rule: "type-parameter-narrowed",
        what: name,
        old,
        new: now,
      }));
    /** @type {Found[]} */
    const changed = [...changedDefaults(view, free), ...(slot.single ? constants(a, b) : [])];
    if (b !== given && (slot.single || !allInferred(texts, one)))
      changed.push(reordered(texts, one, other));
    changed.push(...orders);
    then(narrower.length > 0 ? narrower : [...calls(view, was, is, slot), ...changed]);
  });
}

/** @param {Texts} texts @param {Signature} node */
function allInferred(texts, node) {
  return (node.typeParameters ?? []).every((p) => inferred(texts, node, p));
}

/**
 * Only explicit type arguments tell them apart if the arguments say what they are.
 *
 * @param {Texts} texts
 * @param {Signature} one
 * @param {Signature} other
 */
function reordered(texts, one, other) {
  return {
    rule: allInferred(texts, one) ? "type-parameters-reordered" : "type-parameters-changed",
    old: shownParameters(one.typeParameters ?? []),
    new: shownParameters(other.typeParameters ?? []),
  };
}

/**
 * Type parameters in another order of a function that is returned, and of what that returns. The compiler
 * does not tell, as it infers their type arguments.
 *
 * @param {Texts} texts
 * @param {Signature} one
 * @param {Signature} other
 * @param {Shared} outer
 * @returns {Found[]}
 */
function ordersOfReturned(texts, { type: was }, { type: is }, outer) {
  if (!was || !is || !ts.isFunctionTypeNode(was) || !ts.isFunctionTypeNode(is)) return [];
  const [old, now] = [was.typeParameters ?? [], is.typeParameters ?? []];
  const sorted = inOrder(old, now);
  const moved = sorted !== now && !isRenamed(texts, was, is, outer);
  const inner = ordersOfReturned(texts, was, is, shared(texts, old, sorted, outer, "V"));
  return moved ? [reordered(texts, was, is), ...inner] : inner;
}

/**
 * Do both take and give the same with their type parameters by number?
 *
 * @param {Texts} texts
 * @param {Signature} one
 * @param {Signature} other
 * @param {Shared} outer
 */
function isRenamed(texts, one, other, outer) {
  const names = shared(texts, one.typeParameters ?? [], other.typeParameters ?? [], outer, "U");
  const [was, is] = [model(texts, one, names.old), model(texts, other, names.new)];
  return was.taken === is.taken && was.result === is.result;
}

/**
 * The new type parameters in the old order, where their names say that only the order has changed.
 *
 * @param {TypeParameters} old
 * @param {TypeParameters} now
 */
function inOrder(old, now) {
  const sorted = old.flatMap((p) => now.find((other) => other.name.text === p.name.text) ?? []);
  const same = sorted.length !== now.length || sorted.every((p, i) => p === now[i]);
  return same ? now : sorted;
}

/**
 * The types of a signature. Texts can be long, so each is there once, and `typeof` repeats it.
 *
 * @param {"w" | "i"} side
 * @param {Model} signature
 */
function written(side, { parameters, node, asserted, result, self, whole }) {
  /** @type {Types} */
  const types = { [`${side}r`]: result, [`${side}p`]: asserted, [`${side}t`]: self ?? "void" };
  for (const [i, p] of parameters.entries()) types[`${side}${i}`] = p.text;
  const list = parameters
    .map((p, i) => `${p.rest ? "..." : ""}a${i}${p.optional ? "?" : ""}: typeof _${side}${i}`)
    .join(", ");
  types[`${side}a`] = `[${list}]`;
  // `this`, and what names a parameter, is only in the signature itself.
  const plain =
    node.parameters.length === parameters.length && !/\b(is|asserts|typeof)\b/.test(whole);
  types[`${side}f`] = plain ? `((${list}) => typeof _${side}r)` : whole;
  return types;
}

/** Models of signatures, each made once for a key. @param {Texts} texts @returns {Pairing["model"]} */
function models(texts) {
  /** @type {Map<Signature, Map<unknown, Model>>} */
  const known = new Map();
  return (node, names, key) => {
    const found = known.get(node) ?? new Map();
    known.set(node, found);
    const made = found.get(key) ?? model(texts, node, names);
    found.set(key, made);
    return made;
  };
}

/** `if` is no name for a parameter. @param {Types} types */
function renamed(types) {
  return Object.fromEntries(Object.entries(types).map(([name, text]) => [`_${name}`, text]));
}

/**
 * Type parameters that are bound now, or by something else: whoever names them must keep to it.
 *
 * @param {Texts} texts
 * @param {TypeParameters} a
 * @param {TypeParameters} b
 * @param {Shared} names
 * @param {Types} types what the question asks about; the bounds are added to it
 */
export function constraints(texts, a, b, names, types) {
  /** @type {Rewritten[]} */
  const bounds = [];
  a.forEach((p, i) => {
    const now = b[i]?.constraint;
    if (
      !now ||
      (p.constraint && texts.of(p.constraint, names.old).same === texts.of(now, names.new).same)
    )
      return;
    types[`wc${i}`] = p.constraint ? texts.of(p.constraint, names.old).text : "unknown";
    types[`ic${i}`] = texts.of(now, names.new).text;
    bounds.push({
      i,
      name: p.name.text,
      old: p.constraint?.getText() ?? "anything",
      now: now.getText(),
    });
  });
  return bounds;
}

/**
 * Defaults of type parameters that are written differently now.
 *
 * @param {Texts} texts
 * @param {TypeParameters} a
 * @param {TypeParameters} b
 * @param {Shared} names
 * @param {Types} types what the question asks about; the defaults are added to it
 */
export function defaults(texts, a, b, names, types) {
  return a.flatMap((p, i) => {
    const now = b[i]?.default;
    if (!p.default || !now) return [];
    const [was, is] = [texts.of(p.default, names.old), texts.of(now, names.new)];
    if (was.same === is.same) return [];
    types[`wd${i}`] = was.text;
    types[`id${i}`] = is.text;
    return [{ i, name: p.name.text, old: p.default.getText(), now: now.getText() }];
  });
}

/** Whoever leaves out a type argument gets another type. @param {Answer} answer @param {Rewritten[]} list */
export function changedDefaults(answer, list) {
  return list
    .filter(({ i }) => !answer.serves(`id${i}`, `wd${i}`) || !answer.fits(`wd${i}`, `id${i}`))
    .map(({ name, old, now }) => ({
      rule: "type-parameter-default-changed",
      what: name,
      old,
      new: now,
    }));
}

/**
 * Type parameters that became `const`, or no longer are.
 *
 * @param {TypeParameters} a
 * @param {TypeParameters} b
 */
function constants(a, b) {
  const isConst = (/** @type {TypeParameter} */ parameter) =>
    parameter.modifiers?.some((one) => one.kind === ts.SyntaxKind.ConstKeyword) ?? false;
  return a
    .filter((p, i) => isConst(p) !== isConst(b[i]))
    .map((p) => ({ rule: "type-parameter-const-changed", what: p.name.text }));
}

/**
 * Does an argument say what a type parameter is?
 *
 * @param {Texts} texts
 * @param {Signature} node
 * @param {TypeParameter} parameter
 */
function inferred(texts, node, parameter) {
  const { checker } = texts.world;
  const symbol = checker.getSymbolAtLocation(parameter.name);
  return node.parameters.some(
    (p) => p.type && references(p.type, checker).some((one) => one.symbol === symbol),
  );
}

/** @param {TypeParameters} list */
export function shownParameters(list) {
  return list.length === 0 ? "none" : `<${list.map((p) => p.getText()).join(", ")}>`;
}

/**
 * A signature as a type, with its type parameters.
 *
 * @param {Texts} texts
 * @param {Signature} node
 * @param {Names} names
 */
export function arrow(texts, node, names) {
  const own = node.typeParameters?.length
    ? `<${node.typeParameters.map((p) => texts.of(p, names).text).join(", ")}>`
    : "";
  return `(${own}${model(texts, node, names).whole.slice(1, -1)})`;
}

/**
 * Only the new one has type parameters: the compiler says whether it can stand for the old one. If no
 * argument gives them, callers that wrote none get what they are without.
 *
 * @param {Questions} questions
 * @param {Signature} one
 * @param {Signature} other
 * @param {Slot} slot
 * @param {Tell} then
 */
function generic(questions, one, other, slot, then) {
  const { texts } = questions;
  const own = other.typeParameters ?? [];
  const names = new Map(slot.names.new);
  for (const p of own) {
    const without = p.default ?? p.constraint;
    const text = without ? `(${texts.of(without, names).text})` : "unknown";
    names.set(texts.world.checker.getSymbolAtLocation(p.name), text);
  }
  const free = !own.some((p) => inferred(texts, other, p));
  const [was, is] = [model(texts, one, slot.names.old), model(texts, other, names)];
  const whole = { was: was.whole, is: arrow(texts, other, slot.names.new) };
  questions.ask(slot.names.declared, { ...whole, wr: was.result, ir: is.result }, (answer) => {
    if (!answer.fits("is", "was")) then([{ rule: "signature-changed" }]);
    else then(free ? returned(answer, was, is) : []);
  });
}

/**
 * What a caller notices.
 *
 * @param {Answer} answer
 * @param {Model} was
 * @param {Model} is
 * @param {Slot} slot
 */
function calls(answer, was, is, slot) {
  const found = answer.fits("wa", "ia") ? taken(answer, was, is) : refused(answer, was, is);
  found.push(...returned(answer, was, is));
  // Plain calls have no `this`, and the compiler does not compare it with none.
  if (slot.plain && was.self === null && is.self !== null && !answer.fits("wt", "it"))
    found.push({ rule: "parameter-added-required", what: "this" });
  // The compiler does not look at what a function asserts.
  const asserts =
    was.predicate?.assertsModifier && (!is.predicate?.assertsModifier || !answer.fits("ip", "wp"));
  const rule = was.predicate ? "type-predicate-changed" : "signature-changed";
  if (found.length === 0 && (asserts || (!idle(answer) && !answer.fits("if", "wf"))))
    found.push({ rule });
  return found;
}

/**
 * All arguments are still taken; do they still mean the same?
 *
 * @param {Answer} answer
 * @param {Model} was
 * @param {Model} is
 */
function taken(answer, was, is) {
  const [before, after] = [was, is].map((side) => side.parameters.map((p) => p.name));
  const moved =
    before.length === after.length &&
    before.join() !== after.join() &&
    [...before].sort().join() === [...after].sort().join();
  /** @type {Found[]} */
  const found = moved
    ? [{ rule: "parameters-reordered", old: before.join(", "), new: after.join(", ") }]
    : [];
  for (let i = 0; i < Math.min(before.length, after.length); i += 1) {
    for (const path of lost(answer.checker, answer.type(`w${i}`), answer.type(`i${i}`)))
      found.push({ rule: "option-removed", what: `${before[i]}.${path}` });
  }
  return found;
}

/**
 * Properties that an object written on the spot may no longer have:
 * TypeScript refuses those that nobody asks for.
 *
 * @param {TypeChecker} checker
 * @param {Type} old
 * @param {Type} now
 * @returns {string[]}
 */
export function lost(checker, old, now, depth = 3) {
  const [before, after] = [checker.getNonNullableType(old), checker.getNonNullableType(now)];
  const kinds = after.isUnionOrIntersection() ? after.types : [after];
  const open = (/** @type {Type} */ type) =>
    !(type.flags & ts.TypeFlags.Object) ||
    checker.getIndexInfosOfType(type).length > 0 ||
    checker.getPropertiesOfType(type).length === 0;
  if (depth === 0 || before === after || !literal(before) || kinds.some(open)) return [];
  return checker.getPropertiesOfType(before).flatMap((property) => {
    // Not what every object has, as `constructor`.
    const now = kinds.flatMap((type) =>
      checker.getPropertiesOfType(type).filter(({ name }) => name === property.name),
    );
    if (now.length === 0) return [property.name];
    if (now.length > 1) return [];
    return lost(
      checker,
      checker.getTypeOfSymbol(property),
      checker.getTypeOfSymbol(now[0]),
      depth - 1,
    ).map((path) => `${property.name}.${path}`);
  });
}

/**
 * Do users write it as an object? Not what `new` makes, as a Date, nor what has members under symbols, as
 * arrays and other collections have.
 *
 * @param {Type} type
 */
function literal(type) {
  return (
    Boolean(type.flags & ts.TypeFlags.Object) &&
    type.getCallSignatures().length === 0 &&
    !type.isClass() &&
    type.symbol !== undefined &&
    !(type.symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Variable)) &&
    !type.getProperties().some(({ name }) => name.startsWith("__@"))
  );
}

/**
 * Why the arguments are no longer taken: by name where parameters came or went, else by place.
 *
 * @param {Answer} answer
 * @param {Model} was
 * @param {Model} is
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one condition for each rule
function refused(answer, was, is) {
  const names = (/** @type {Model} */ side) => side.parameters.map((p) => p.name);
  const gone = was.parameters.filter((p) => !names(is).includes(p.name));
  const come = is.parameters.filter((p) => !names(was).includes(p.name));
  const more = is.parameters.length - was.parameters.length;
  /** @type {Found[]} */
  const found = [];
  const byName =
    (more < 0 && gone.length === -more && come.length === 0) ||
    (more > 0 && come.length === more && gone.length === 0);
  if (byName) {
    for (const p of gone)
      found.push({ rule: p.rest ? "rest-parameter-removed" : "parameter-removed", what: p.name });
    for (const p of come) found.push(...added(p, was, is));
  }
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one condition for each rule
  was.parameters.forEach((p, i) => {
    const j = byName ? names(is).indexOf(p.name) : i;
    const now = is.parameters[j];
    if (!now) {
      if (!byName && !is.parameters.some((one) => one.rest))
        found.push({ rule: p.rest ? "rest-parameter-removed" : "parameter-removed", what: p.name });
      return;
    }
    if (p.rest !== now.rest) {
      if (p.rest) found.push({ rule: "rest-parameter-removed", what: p.name });
      return;
    }
    if (p.optional && !now.optional && !now.rest)
      found.push({ rule: "parameter-became-required", what: now.name });
    if (!answer.fits(`w${i}`, `i${j}`))
      found.push({ rule: "parameter-type-narrowed", what: now.name, old: p.shown, new: now.shown });
  });
  if (!byName && !was.parameters.some((p) => p.rest)) {
    for (const p of is.parameters
      .slice(was.parameters.length)
      .filter((one) => !one.optional && !one.rest))
      found.push({ rule: "parameter-added-required", what: p.name });
  }
  return found.length > 0 ? found : [{ rule: "signature-changed" }];
}

/** @param {Taken} parameter @param {Model} was @param {Model} is @returns {Found[]} */
function added(parameter, was, is) {
  const place = is.parameters.indexOf(parameter);
  const next = is.parameters
    .slice(place + 1)
    .find((p) => was.parameters.some((o) => o.name === p.name));
  if (next) return [{ rule: "parameter-inserted", what: parameter.name, new: next.name }];
  return parameter.optional || parameter.rest
    ? []
    : [{ rule: "parameter-added-required", what: parameter.name }];
}

/** @type {(type: Type) => type is import("typescript").TypeReference} */
const promise = (type) => type.symbol?.name === "Promise";
const nothing = (/** @type {Type | undefined} */ type) =>
  type !== undefined && (type.flags & ts.TypeFlags.Void) !== 0;

/** A promise of nothing may become a promise of something. @param {Answer} answer */
function idle(answer) {
  const [before, after] = [answer.type("wr"), answer.type("ir")];
  return promise(before) && promise(after) && nothing(answer.checker.getTypeArguments(before)[0]);
}

/**
 * Nobody uses what a function without a result returns.
 *
 * @param {Answer} answer
 * @param {Model} was
 * @param {Model} is
 * @returns {Found[]}
 */
function returned(answer, was, is) {
  const [before, after] = [answer.type("wr"), answer.type("ir")];
  if (nothing(before)) return promise(after) ? [{ rule: "maybe-became-async" }] : [];
  if (idle(answer) || answer.serves("ir", "wr")) return [];
  if (promise(after) && !promise(before))
    return [{ rule: "became-async", old: was.shown, new: is.shown }];
  if (promise(before) && !promise(after) && !after.isUnion())
    return [{ rule: "became-sync", old: was.shown, new: is.shown }];
  return [{ rule: "return-type-widened", old: was.shown, new: is.shown }];
}

/**
 * Can what was written for the old signatures still be given for the new ones?
 *
 * @param {Questions} questions
 * @param {Signatures} old
 * @param {Signatures} now
 * @param {Slot} slot
 * @param {Tell} found
 */
function implemented(questions, old, now, slot, found) {
  const { texts } = questions;
  if (
    old.length !== 1 ||
    now.length !== 1 ||
    (old[0].typeParameters ?? []).length !== (now[0].typeParameters ?? []).length
  )
    return;
  const names = shared(
    texts,
    old[0].typeParameters ?? [],
    now[0].typeParameters ?? [],
    slot.names,
    "U",
  );
  const [was, is] = [model(texts, old[0], names.old), model(texts, now[0], names.new)];
  questions.ask(
    names.declared,
    { wf: was.whole, nf: is.whole, wm: was.method, nm: is.method },
    (answer) => {
      if (answer.fits("wf", "nf")) return;
      // A method's parameters are compared both ways round: the compiler is content, but the method may be
      // given what it does not know.
      const silent = answer.fits("wm", "nm") && slot.method;
      found([
        {
          rule: silent ? "implementation-gets-more" : "implementation-no-longer-fits",
          old: flatText(old[0]),
          new: flatText(now[0]),
        },
      ]);
    },
  );
}
