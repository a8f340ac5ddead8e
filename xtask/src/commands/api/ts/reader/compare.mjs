// Two definitions that users know by one name: what kind they are, and what is different.

import { flat } from "./likeness.mjs";
import { compareMembers, deprecated, has } from "./members.mjs";
import { references } from "./references.mjs";
import {
  arrow,
  changedDefaults,
  compareSignatures,
  constraints,
  defaults,
  shared,
  shownParameters,
} from "./signatures.mjs";
import { ts } from "./typescript.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {import("typescript").Symbol} Symbol */
/** @typedef {import("typescript").TypeNode} TypeNode */
/** @typedef {import("typescript").ConditionalTypeNode} Conditional */
/** @typedef {import("typescript").ExpressionWithTypeArguments} Base */
/** @typedef {import("./members.mjs").Member} Member */
/** @typedef {import("./names.mjs").Pair} Pair */
/** @typedef {import("./questions.mjs").Answer} Answer */
/** @typedef {import("./references.mjs").Defined} Defined */
/** @typedef {import("./signatures.mjs").Found} Found */
/** @typedef {import("./signatures.mjs").Shared} Shared */
/** @typedef {import("./signatures.mjs").Ways} Ways */
/** @typedef {import("./text.mjs").Names} Names */
/** @typedef {import("./text.mjs").Texts} Texts */
/** @typedef {import("./world.mjs").Side} Side */
/**
 * @typedef {object} Detail what a difference says beside the rule of a finding
 * @property {string} [symbol] the name that users know
 * @property {string} [kind]
 * @property {Node} [oldNode]
 * @property {Node} [newNode]
 * @property {string} [was] the old definition in one line
 * @property {string} [is] the new one
 */
/** @typedef {Found & Detail} Difference */
/** @typedef {(difference: Difference) => void} Report */
/** @typedef {(rule: string, extra?: Partial<Difference>) => void} Tell */
/** @typedef {{ was?: string, is?: string }} Whole both definitions in one line */
/** @typedef {ReturnType<typeof kinds>} Kinds */
/** @typedef {Pick<Symbol, "declarations">} Definition what is declared: a symbol, or nodes with one name */
/** @typedef {import("./signatures.mjs").Signatures} Signatures */
/** @typedef {import("./signatures.mjs").TypeParameters} TypeParameters */
/** @typedef {{ typeParameters?: TypeParameters }} Generic */
/** @typedef {{ heritageClauses?: readonly import("typescript").HeritageClause[] }} Derived */
/** @typedef {import("typescript").NamedDeclaration & Generic & Derived} Declared */
/** @typedef {import("typescript").NamedDeclaration & { type?: TypeNode }} Typed */
/** @typedef {import("typescript").EnumMember & { renamed?: boolean }} EnumMember */

/** What a symbol with one of these flags is as a value; the first that fits. */
const VALUES = [
  { flag: ts.SymbolFlags.Class, kind: "class" },
  { flag: ts.SymbolFlags.Function, kind: "function" },
  { flag: ts.SymbolFlags.Enum, kind: "enum" },
  { flag: ts.SymbolFlags.Variable, kind: "constant" },
  { flag: ts.SymbolFlags.ValueModule, kind: "namespace" },
];

/** The same as a type. */
const TYPES = [
  { flag: ts.SymbolFlags.Class, kind: "class" },
  { flag: ts.SymbolFlags.Interface, kind: "interface" },
  { flag: ts.SymbolFlags.TypeAlias, kind: "type" },
  { flag: ts.SymbolFlags.Enum, kind: "enum" },
];

/** @param {{ flag: number, kind: string }[]} table @param {number} flags */
function firstOf(table, flags) {
  return table.find(({ flag }) => flags & flag)?.kind ?? null;
}

/** @param {Definition} symbol @returns {readonly Declared[]} */
function declared(symbol) {
  return symbol.declarations ?? [];
}

/** What a symbol is as a value and as a type. @param {Symbol} symbol */
export function kinds(symbol, typeOnly = false) {
  const { flags } = symbol;
  const value = firstOf(VALUES, flags);
  const type = firstOf(TYPES, flags);
  return { value: typeOnly ? null : value, type, any: value ?? type ?? "namespace" };
}

export class Compare {
  /**
   * @param {import("./world.mjs").World} world
   * @param {import("./text.mjs").Texts} texts
   * @param {import("./questions.mjs").Questions} questions
   * @param {import("./positions.mjs").Positions} positions
   * @param {Report} report
   */
  constructor(world, texts, questions, positions, report) {
    this.world = world;
    this.texts = texts;
    this.questions = questions;
    this.positions = positions;
    this.report = report;
    /** What users can import of the old version. @type {Set<import("typescript").Symbol>} */
    this.exported = new Set();
    /** Classes that the package speaks of as values. @type {Set<import("typescript").Symbol>} */
    this.values = new Set();
  }

  /** @param {Pair} item */
  pair(item) {
    const [was, is] = [kinds(item.old, item.typeOnly?.old), kinds(item.new, item.typeOnly?.new)];
    const node = (/** @type {Symbol} */ symbol) =>
      declared(symbol).find((d) => d.name)?.name ?? declared(symbol)[0];
    const whole = { was: shown(item.old), is: shown(item.new) };
    /** @type {Tell} */
    const tell = (rule, extra = {}) =>
      this.report({
        rule,
        symbol: item.symbol,
        kind: was.any,
        oldNode: node(item.old),
        newNode: node(item.new),
        ...whole,
        ...extra,
      });
    if (item.exported) this.marks(item, was, is, tell);
    if (was.value && !is.value) tell("no-longer-a-value", { old: was.any, new: is.any, ...whole });
    else if (was.value && was.value !== is.value) this.crossValue(item, was, is, tell, whole);
    else if (was.value) this.value(item, was.value, tell, whole);
    if (was.value === "class" && is.type === "class") return;
    if (was.type && !is.type) tell("no-longer-a-type", { old: was.any, new: is.any, ...whole });
    else if (was.type && was.type !== "enum") this.type(item, tell, whole);
  }

  /**
   * Is it deprecated now, or can users no longer add members to it?
   *
   * @param {Pair} item
   * @param {Kinds} was
   * @param {Kinds} is
   * @param {Tell} tell
   */
  marks(item, was, is, tell) {
    if (deprecated(declared(item.new)) > deprecated(declared(item.old))) tell("deprecated");
    // An interface without members is there for those that users add.
    if (was.type === "interface" && is.type === "type" && isEmpty(item.old))
      tell("no-longer-extendable");
  }

  /** @param {Pair} item @param {string} kind @param {Tell} tell @param {Whole} whole */
  value(item, kind, tell, whole) {
    if (kind === "function")
      this.functions(functionsOf(item.old), functionsOf(item.new), tell, whole);
    if (kind === "class") this.members(item, tell);
    if (kind === "enum") this.enums(item);
    if (kind === "constant") this.constants(item, tell, whole);
  }

  /** @param {Signatures} old @param {Signatures} now @param {Tell} tell @param {Whole} whole */
  functions(old, now, tell, whole) {
    /** @type {import("./signatures.mjs").Slot} */
    const slot = {
      plain: true,
      positions: { out: true },
      names: { old: new Map(), new: new Map(), declared: [] },
    };
    compareSignatures(this.questions, old, now, slot, (found) => {
      for (const one of found) tell(one.rule, { ...one, ...whole });
    });
  }

  /**
   * A function may become a constant that holds one.
   * Anything else is another kind, or for the compiler to judge.
   *
   * @param {Pair} item
   * @param {Kinds} was
   * @param {Kinds} is
   * @param {Tell} tell
   * @param {Whole} whole
   */
  crossValue(item, was, is, tell, whole) {
    const held = was.value === "class" && this.heldClass(item.new);
    if (held) return this.members({ ...item, new: held }, tell);
    const [old, now] = [this.callables(item.old), this.callables(item.new)];
    if (old && now) return this.functions(old, now, tell, whole);
    const doubt =
      was.value !== "function" &&
      is.value !== "function" &&
      !(was.value === "class" && is.value === "namespace");
    const changed = () =>
      tell(doubt ? "kind-maybe-changed" : "kind-changed", { old: was.any, new: is.any, ...whole });
    const [before, after] = [this.written(item.old), this.written(item.new)];
    if (!before || !after) return changed();
    // A function that ignores arguments may stand for one that takes them; its callers may not give them.
    const given = { given: `Parameters<${before}>`, taken: `Parameters<${after}>` };
    this.questions.ask([], { was: before, now: after, ...given }, (answer) => {
      // What has no type any more cannot be compared.
      const unknown = answer.type("was") === answer.checker.getAnyType();
      if (unknown || answer.type("now").getCallSignatures().length === 0) changed();
      else if (!answer.fits("now", "was") || !answer.fits("given", "taken"))
        tell("signature-changed", whole);
    });
  }

  /** The class that a constant stands for, as for an old name. @param {Symbol} symbol */
  heldClass(symbol) {
    const name = this.behind(symbol).find(ts.isClassDeclaration)?.name;
    return name && this.world.checker.getSymbolAtLocation(name);
  }

  /**
   * Where a symbol is declared; for a constant with `typeof`, where that is.
   *
   * @param {Symbol} symbol
   * @returns {readonly Declared[]}
   */
  behind(symbol) {
    const list = declared(symbol);
    const type = list.find(isTyped)?.type;
    const named = type && queried(type);
    const next = named && this.world.resolved(this.world.checker.getSymbolAtLocation(named));
    return next ? this.behind(next) : list;
  }

  /**
   * Has nothing else the type of this constant? A static member of a class that is not exported has no
   * name for users.
   *
   * @param {Typed} constant
   */
  isOnlyName({ type }) {
    const named = type && queried(type);
    const { checker } = this.world;
    const owner =
      named && ts.isQualifiedName(named)
        ? this.world.resolved(checker.getSymbolAtLocation(named.left))
        : undefined;
    return owner && owner.flags & ts.SymbolFlags.Class && !this.exported.has(owner);
  }

  /**
   * The signatures of a function, or of what holds one.
   *
   * @param {Symbol} symbol
   * @returns {Signatures | null}
   */
  callables(symbol) {
    const list = this.behind(symbol);
    const functions = list.filter(isFunction);
    if (functions.length > 0) return functions;
    const type = list.find(isTyped)?.type;
    if (!type) return null;
    if (ts.isFunctionTypeNode(type)) return [type];
    if (!ts.isTypeLiteralNode(type) || type.members.length === 0) return null;
    const members = [...type.members];
    return members.every(ts.isCallSignatureDeclaration) ? members : null;
  }

  /** The type of a function or constant, if it is written. @param {Symbol} symbol */
  written(symbol) {
    const signatures = this.callables(symbol)?.map((node) => arrow(this.texts, node, new Map()));
    const type = this.behind(symbol).find(isTyped)?.type;
    return signatures?.join(" & ") ?? (type && this.texts.of(type).text);
  }

  /** @param {Pair} item @param {Tell} tell @param {Whole} whole */
  constants(item, tell, whole) {
    // A constant in a pattern has no place of its own, so it is not compared.
    /** @typedef {import("typescript").VariableDeclaration} Variable */
    const [old, now] = [item.old, item.new].map(
      (symbol) => /** @type {Variable} */ (declared(symbol).find(ts.isVariableDeclaration)),
    );
    const text = (/** @type {Variable} */ declaration) =>
      this.texts.of(declaration.type ?? declaration.initializer ?? declaration.name);
    const [was, is] = [text(old), text(now)];
    // The static members of a class that is not exported have no other name.
    if (was.same === is.same && !this.isOnlyName(old)) return;
    const [before, after] = [this.callables(item.old), this.callables(item.new)];
    if (before && after) return this.functions(before, after, tell, whole);
    if (
      old.initializer &&
      now.initializer &&
      kindOfLiteral(old.initializer) === kindOfLiteral(now.initializer)
    ) {
      return tell("constant-changed", {
        old: old.initializer.getText(),
        new: now.initializer.getText(),
        ...whole,
      });
    }
    const types = {
      was: this.written(item.old) ?? was.text,
      now: this.written(item.new) ?? is.text,
    };
    this.questions.ask([], types, (answer) => {
      const [a, b] = [old, now].map((d) => flat(d.type ?? d.initializer ?? d));
      if (!answer.serves("now", "was")) tell("constant-type-changed", { old: a, new: b, ...whole });
    });
  }

  /**
   * Declarations may leave the values to the compiler, which counts.
   *
   * @param {EnumMember} member
   * @returns {string | number | undefined}
   */
  enumValue(member) {
    const known = this.world.checker.getConstantValue(member);
    if (known !== undefined || member.initializer) return known;
    const { members } = member.parent;
    const before = members[members.indexOf(member) - 1];
    const last = before ? this.enumValue(before) : -1;
    return typeof last === "number" ? last + 1 : undefined;
  }

  /** @param {{ symbol: string, old: Definition, new: Definition }} item */
  enums(item) {
    const value = (/** @type {EnumMember} */ member) => this.enumValue(member);
    const [old, now] = [enumMembers(item.old), enumMembers(item.new)];
    /** @type {(rule: string, member: EnumMember, extra: Partial<Difference>) => void} */
    const tell = (rule, member, extra) =>
      this.report({
        rule,
        symbol: `${item.symbol}.${enumName(member)}`,
        kind: "enum-member",
        ...extra,
      });
    const constant = (/** @type {Definition} */ symbol) =>
      declared(symbol).some((d) => has(d, "ConstKeyword"));
    const come = [...now.values()].filter((m) => !old.has(enumName(m)));
    for (const [name, member] of old) {
      const same = now.get(name);
      const at = {
        oldNode: member.name,
        was: member.getText(),
        newNode: same?.name,
        is: same?.getText(),
      };
      const other = come.find(
        (m) => !m.renamed && typeof value(m) === "string" && value(m) === value(member),
      );
      if (same && value(same) !== value(member))
        tell("enum-value-changed", member, { ...at, old: member.getText(), new: same.getText() });
      if (!same && other) {
        other.renamed = true;
        tell("enum-member-renamed", member, {
          ...at,
          newNode: other.name,
          is: other.getText(),
          new: enumName(other),
        });
      } else if (!same) tell("enum-member-removed", member, at);
    }
    for (const member of come.filter((m) => !m.renamed))
      tell("enum-member-added", member, {
        what: enumName(member),
        newNode: member.name,
        is: member.getText(),
      });
    if (!constant(item.old) && constant(item.new))
      this.report({
        rule: "became-const-enum",
        was: shown(item.old),
        is: shown(item.new),
        symbol: item.symbol,
        kind: "enum",
        oldNode: declared(item.old)[0].name,
        newNode: declared(item.new)[0].name,
      });
  }

  /** @param {Pair} item @param {Tell} tell @param {Whole} whole */
  type(item, tell, whole) {
    const [old, now] = [item.old, item.new].map((symbol) => literals(symbol));
    if (old && now) return this.members(item, tell);
    const names = this.parameters(item, tell);
    const text = (/** @type {Symbol} */ symbol, /** @type {Side} */ side) =>
      typeText(this.texts, symbol, names[side]);
    const [before, after] = [text(item.old, "old"), text(item.new, "new")];
    if (before.same === after.same) return;
    const ways = this.positions.of(item.old);
    const [first, second] = [aliased(item.old), aliased(item.new)];
    if (first && second && ts.isFunctionTypeNode(first) && ts.isFunctionTypeNode(second)) {
      const slot = { positions: ways, names };
      return compareSignatures(this.questions, [first], [second], slot, (found) => {
        for (const one of found) tell(one.rule, { ...one, ...whole });
      });
    }
    const modified = first && second && this.modifiers(first, second, names, ways);
    if (modified) return tell(modified, { old: flat(first), new: flat(second), ...whole });
    if (this.branches([first, second], names, ways, tell, whole)) return;
    const { checker } = this.world;
    // So can two that take such a type by its name.
    const named = (/** @type {Node} */ node) =>
      references(node, checker).some(({ symbol }) => {
        const alias = this.world.resolved(symbol)?.declarations?.find(ts.isTypeAliasDeclaration);
        return alias?.typeParameters && deferred(alias.type);
      });
    const doubt =
      names.declared.length > 0 &&
      [first, second].some((node) => node && (deferred(node) || (!item.exported && named(node))));
    this.questions.ask(names.declared, { was: before.text, now: after.text }, (answer) => {
      const rule = changed(answer, ways);
      if (rule)
        tell(doubt ? "type-maybe-changed" : rule, {
          old: flat(first ?? declared(item.old)[0]),
          new: flat(second ?? declared(item.new)[0]),
          ...whole,
        });
    });
  }

  /**
   * Mapped types that differ in `?` or `readonly` alone: the rule of it.
   *
   * @param {TypeNode} old
   * @param {TypeNode} now
   * @param {Shared} names
   * @param {Ways} ways
   */
  modifiers(old, now, names, ways) {
    if (!ts.isMappedTypeNode(old) || !ts.isMappedTypeNode(now)) return null;
    const rest = (
      /** @type {import("typescript").MappedTypeNode} */ node,
      /** @type {Side} */ side,
    ) => {
      const own = new Map(names[side]);
      own.set(this.world.checker.getSymbolAtLocation(node.typeParameter.name), "K");
      const parts = [node.typeParameter.constraint, node.nameType, node.type];
      return parts.map((part) => part && this.texts.of(part, own).same).join("\0");
    };
    if (rest(old, "old") !== rest(now, "new")) return null;
    // `-?`, nothing, `?`
    const grade = (/** @type {Node | undefined} */ token) =>
      token ? (token.kind === ts.SyntaxKind.MinusToken ? -1 : 1) : 0;
    const optional = grade(now.questionToken) - grade(old.questionToken);
    const readonly = grade(now.readonlyToken) - grade(old.readonlyToken);
    if (ways.out && readonly > 0) return "type-changed";
    if (ways.out && optional > 0) return "type-widened";
    return ways.in && optional < 0 ? "type-narrowed" : null;
  }

  /**
   * Conditional types with the same condition: their branches are compared, with what the condition infers
   * as further type parameters. Returns whether that was possible.
   *
   * @param {[TypeNode | undefined, TypeNode | undefined]} types
   * @param {Shared} names
   * @param {Ways} ways
   * @param {Tell} tell
   * @param {Whole} whole
   */
  branches([old, now], names, ways, tell, whole) {
    /** @type {[TypeNode, TypeNode][]} */
    const pairs = [];
    const own = { old: new Map(names.old), new: new Map(names.new), declared: [...names.declared] };
    const inferred = (/** @type {Node} */ node, /** @type {Side} */ side) => {
      /** @type {import("typescript").Identifier[]} */
      const found = [];
      const look = (/** @type {Node} */ inner) => {
        if (ts.isInferTypeNode(inner)) found.push(inner.typeParameter.name);
        ts.forEachChild(inner, (child) => void look(child));
      };
      look(node);
      for (const [i, name] of found.entries())
        own[side].set(this.world.checker.getSymbolAtLocation(name), `V${own.declared.length + i}`);
      return found;
    };
    const condition = (/** @type {Conditional} */ node, /** @type {Side} */ side) => {
      const names = inferred(node.extendsType, side).map((name) => name.text);
      const { same } = this.texts.of(node.extendsType, own[side]);
      const numbered = same.replace(/infer (\w+)/g, (_, name) => `infer ${names.indexOf(name)}`);
      return {
        count: names.length,
        text: `${this.texts.of(node.checkType, own[side]).same} ${numbered}`,
      };
    };
    /** @type {(was: TypeNode | undefined, is: TypeNode | undefined) => boolean} */
    const split = (was, is) => {
      /** @type {(node: TypeNode | undefined) => TypeNode | undefined} */
      const plain = (node) => (node && ts.isParenthesizedTypeNode(node) ? plain(node.type) : node);
      const [a, b] = [plain(was), plain(is)];
      if (!a || !b || !ts.isConditionalTypeNode(a) || !ts.isConditionalTypeNode(b)) return false;
      const [before, after] = [condition(a, "old"), condition(b, "new")];
      if (before.text !== after.text) return false;
      for (let i = 0; i < before.count; i += 1) own.declared.push(`V${own.declared.length}`);
      if (!split(a.trueType, b.trueType)) pairs.push([a.trueType, b.trueType]);
      if (!split(a.falseType, b.falseType)) pairs.push([a.falseType, b.falseType]);
      return true;
    };
    if (!split(old, now)) return false;
    for (const [was, is] of pairs) {
      const [before, after] = [this.texts.of(was, own.old), this.texts.of(is, own.new)];
      if (before.same === after.same) continue;
      const doubt = [was, is].some(deferred);
      this.questions.ask(own.declared, { was: before.text, now: after.text }, (answer) => {
        const rule = changed(answer, ways);
        if (rule)
          tell(doubt ? "type-maybe-changed" : rule, { old: flat(was), new: flat(is), ...whole });
      });
    }
    return true;
  }

  /** @param {Pair} item @param {Tell} tell */
  members(item, tell) {
    const names = this.parameters(item, tell);
    const declarations = { old: bodies(item.old), new: bodies(item.new) };
    const isClass = Boolean(item.old.flags & item.new.flags & ts.SymbolFlags.Class);
    // Whatever has members has a place in the package.
    const located = /** @type {import("./world.mjs").Located} */ (this.world.locate(item.new));
    const target = this.texts.target(located);
    const [top, ...rest] = target.path;
    const name = [
      this.texts.alias(target.file, top === "default" ? top : `__xtask_${top}`),
      ...rest,
    ].join(".");
    const count = parametersOf(item.new).length;
    const given = names.given.slice(0, count);
    const self = {
      type: `${name}${given.length > 0 ? `<${given.join(", ")}>` : ""}`,
      value: `typeof ${name}`,
    };
    names.old.set("this", "$this");
    names.new.set("this", "$this");
    names.declared.push(`$this extends ${self.type}`);
    const checker = this.world.checker;
    const inherited = (/** @type {Member} */ member) => {
      const type = member.isStatic
        ? checker.getTypeOfSymbol(item.old)
        : checker.getDeclaredTypeOfSymbol(item.old);
      return member.kind !== "constructor" && Boolean(checker.getPropertyOfType(type, member.name));
    };
    /** @type {import("./members.mjs").About["report"]} */
    const report = ({ member, ...one }) =>
      this.report({
        ...one,
        symbol: `${item.symbol}.${member.name}`,
        kind: "member",
        what: one.what ?? member.name,
      });
    const hidden = isClass && !item.exported && !this.values.has(item.old);
    const closed = hidden || declared(item.new).filter(ts.isClassDeclaration).some(isClosed);
    const base = { old: heritage(item.old), new: heritage(item.new) };
    const ways = isClass ? { in: false, out: true } : this.positions.of(item.old);
    if (isClass) this.classes(item, tell);
    if (base.old) this.bases(item, { old: base.old, new: base.new }, names, self, tell);
    compareMembers(this.questions, {
      names,
      declarations,
      positions: ways,
      isClass,
      self,
      inherited,
      report,
      base,
      hidden,
      closed,
    });
  }

  /**
   * Type parameters of both, under shared names; told where users who name them break.
   *
   * @param {Pair} item
   * @param {Tell} tell
   */
  parameters(item, tell) {
    const [old, now] = [parametersOf(item.old), parametersOf(item.new)];
    const names = shared(this.texts, old, now);
    const required = now.filter((p) => !p.default).length;
    if (now.length < old.length || required > old.length)
      tell("type-parameters-changed", { old: shownParameters(old), new: shownParameters(now) });
    else if (old.some((p, i) => p.default && !now[i].default))
      tell("type-parameters-changed", { old: shownParameters(old), new: shownParameters(now) });
    /** @type {Record<string, string>} */
    const types = {};
    const bounds = constraints(this.texts, old, now, names, types);
    const given = defaults(this.texts, old, now, names, types);
    if (bounds.length + given.length > 0)
      this.questions.ask(names.declared, types, (answer) => {
        for (const one of changedDefaults(answer, given)) tell(one.rule, one);
        for (const { i, name, old: before, now: after } of bounds) {
          if (!answer.fits(`wc${i}`, `ic${i}`))
            tell("type-parameter-narrowed", { what: name, old: before, new: after });
        }
      });
    return { ...names, declared: [...names.declared], given: old.map((_, i) => `T${i}`) };
  }

  /**
   * What it was derived from, it still is.
   *
   * @param {Pair} item
   * @param {{ old: Base[], new: Base[] | null }} bases
   * @param {Shared} names
   * @param {{ type: string }} self the new type's text
   * @param {Tell} tell
   */
  bases(item, { old, new: now }, names, self, tell) {
    const kept = (now ?? []).map((base) => this.texts.of(base, names.new).same);
    for (const base of old.filter((one) => !kept.includes(this.texts.of(one, names.old).same))) {
      // The compiler compares shapes; `instanceof` does not.
      if (item.old.flags & ts.SymbolFlags.Class && this.isOther(item, base)) {
        tell("base-removed", { old: base.getText() });
        continue;
      }
      this.questions.ask(
        names.declared,
        { self: self.type, base: this.texts.of(base, names.old).text },
        (answer) => {
          if (!answer.fits("self", "base")) tell("base-removed", { old: base.getText() });
        },
      );
    }
  }

  /**
   * Is a class that users know no base any more, neither of the class nor of its bases?
   *
   * @param {Pair} item
   * @param {Base} base
   */
  isOther(item, base) {
    const { checker } = this.world;
    const resolved = (/** @type {Base} */ node) =>
      this.world.resolved(checker.getSymbolAtLocation(node.expression));
    const known = (/** @type {Defined} */ symbol) => {
      const located = this.world.locate(symbol);
      if (!located) return symbol?.name;
      if (located.outside !== undefined) return located.outside.split("#")[1];
      return this.texts.key(this.texts.target(located));
    };
    const symbol = resolved(base);
    const own = this.world.locate(symbol)?.side;
    const isClass =
      symbol &&
      symbol.flags & ts.SymbolFlags.Value &&
      symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface);
    if (!isClass || (own && !this.exported.has(symbol))) return false;
    const seen = new Set();
    /** @type {(one: Defined) => (string | undefined)[]} */
    const all = (one) => {
      if (!one || seen.has(one)) return [];
      seen.add(one);
      const bases = (heritage(one) ?? []).map(resolved);
      // What is computed is left to the compiler.
      const types = ts.SymbolFlags.Class | ts.SymbolFlags.Interface;
      return bases.some((base) => !base || !(base.flags & types))
        ? [known(symbol)]
        : bases.flatMap((b) => [known(b), ...all(b)]);
    };
    return !all(item.new).includes(known(symbol));
  }

  /** @param {Pair} item @param {Tell} tell */
  classes(item, tell) {
    const [old, now] = [item.old, item.new].map((symbol) =>
      declared(symbol).find(ts.isClassDeclaration),
    );
    if (!old || !now) return;
    if (!has(old, "AbstractKeyword") && has(now, "AbstractKeyword")) tell("class-became-abstract");
    if (!isClosed(old) && isClosed(now)) tell("constructor-became-private");
    const nominal = (/** @type {import("typescript").ClassDeclaration} */ node) =>
      node.members.some(
        (m) =>
          has(m, "PrivateKeyword") ||
          has(m, "ProtectedKeyword") ||
          (m.name && ts.isPrivateIdentifier(m.name)),
      );
    if (!nominal(old) && nominal(now) && this.positions.of(item.old).in && !heritage(item.old))
      tell("class-became-nominal");
  }
}

/**
 * How a type changed for those who get values of it, and those who give them.
 *
 * @param {Answer} answer
 * @param {Ways} ways
 */
function changed(answer, ways) {
  const widened = ways.out && !answer.serves("now", "was");
  const narrowed = ways.in && !answer.fits("was", "now");
  if (widened && narrowed) return "type-changed";
  return widened ? "type-widened" : narrowed ? "type-narrowed" : null;
}

/** Nobody else can call its constructor. @param {import("typescript").ClassDeclaration} node */
function isClosed(node) {
  return node.members.some(
    (member) => ts.isConstructorDeclaration(member) && has(member, "PrivateKeyword"),
  );
}

/** @type {(node: Node) => node is import("typescript").SignatureDeclaration} */
function isFunction(node) {
  return (
    ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isMethodSignature(node)
  );
}

/** @param {Node} node @returns {node is Typed} */
function isTyped(node) {
  return (
    ts.isVariableDeclaration(node) ||
    ((ts.isPropertyDeclaration(node) || ts.isPropertySignature(node)) && !node.questionToken)
  );
}

/** What `typeof` names. @param {TypeNode} type */
function queried(type) {
  if (ts.isTypeQueryNode(type)) return type.typeArguments ? undefined : type.exprName;
  return ts.isImportTypeNode(type) && type.isTypeOf ? type.qualifier : undefined;
}

/** Is it an interface without members of its own? @param {Symbol} symbol */
function isEmpty(symbol) {
  const interfaces = declared(symbol).filter(ts.isInterfaceDeclaration);
  return interfaces.every((one) => one.members.length === 0 && !one.heritageClauses);
}

/** @param {Symbol} symbol */
function functionsOf(symbol) {
  return declared(symbol).filter(ts.isFunctionDeclaration);
}

/** @param {Symbol} symbol */
function parametersOf(symbol) {
  return [...(declared(symbol).find((d) => d.typeParameters)?.typeParameters ?? [])];
}

/** What a type alias stands for. @param {Symbol} symbol */
function aliased(symbol) {
  const type = declared(symbol).find(ts.isTypeAliasDeclaration)?.type;
  return type && ts.isParenthesizedTypeNode(type) ? type.type : type;
}

/** Has it members that are written out? @param {Symbol} symbol */
function literals(symbol) {
  const type = aliased(symbol);
  return type ? ts.isTypeLiteralNode(type) : true;
}

/** What has the members of a type. @param {Symbol} symbol */
function bodies(symbol) {
  /** @type {(d: Declared) => import("./members.mjs").Body[]} */
  const body = (d) => {
    if (ts.isTypeAliasDeclaration(d)) return ts.isTypeLiteralNode(d.type) ? [d.type] : [];
    return ts.isClassDeclaration(d) || ts.isInterfaceDeclaration(d) ? [d] : [];
  };
  return declared(symbol).flatMap(body);
}

/** What is behind `extends`. @param {Symbol} symbol */
function heritage(symbol) {
  const clauses = declared(symbol)
    .flatMap((d) => d.heritageClauses ?? [])
    .filter((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword);
  const types = clauses.flatMap((clause) => [...clause.types]);
  return types.length > 0 ? types : null;
}

/** Have users of an instance this member? @param {import("./members.mjs").Element} member */
function isOfInstances(member) {
  const hidden = /** @type {const} */ (["PrivateKeyword", "ProtectedKeyword", "StaticKeyword"]);
  return (
    !ts.isConstructorDeclaration(member) &&
    !(member.name && ts.isPrivateIdentifier(member.name)) &&
    !hidden.some((kind) => has(member, kind))
  );
}

/**
 * An alias's type; an interface or a class spelt out.
 *
 * @param {Texts} texts
 * @param {Symbol} symbol
 * @param {Names} names
 */
function typeText(texts, symbol, names) {
  const type = aliased(symbol);
  if (type) return texts.of(type, names);
  const parts = [];
  for (const body of bodies(symbol)) {
    const list = [...body.members].filter(isOfInstances).map((m) => texts.of(m, names));
    parts.push({
      text: `{ ${list.map((m) => m.text).join("; ")} }`,
      same: `{ ${list.map((m) => m.same).join("; ")} }`,
    });
  }
  for (const base of heritage(symbol) ?? []) parts.push(texts.of(base, names));
  return {
    text: parts.map((p) => `(${p.text})`).join(" & "),
    same: parts.map((p) => p.same).join(" & "),
  };
}

/**
 * Two types that depend on a type parameter can be the same without the compiler seeing it.
 *
 * @param {Node} node
 * @returns {boolean}
 */
function deferred(node) {
  if (
    ts.isConditionalTypeNode(node) ||
    ts.isMappedTypeNode(node) ||
    ts.isIndexedAccessTypeNode(node)
  )
    return true;
  return ts.forEachChild(node, deferred) ?? false;
}

/** The members of an enum by name. @param {Definition} symbol */
function enumMembers(symbol) {
  /** @type {EnumMember[]} */
  const members = declared(symbol)
    .filter(ts.isEnumDeclaration)
    .flatMap((d) => [...d.members]);
  return new Map(members.map((m) => [enumName(m), m]));
}

/** @param {EnumMember} member */
function enumName({ name }) {
  return ts.isComputedPropertyName(name) ? undefined : name.text;
}

/** @param {Node} node */
function kindOfLiteral(node) {
  if (ts.isStringLiteral(node) || ts.isNumericLiteral(node) || ts.isPrefixUnaryExpression(node))
    return ts.isStringLiteral(node) ? "string" : "number";
  return node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword
    ? "boolean"
    : node.kind;
}

/** A definition in one line: a class or an interface without its members. @param {Definition} symbol */
export function shown(symbol) {
  const [declaration] = declared(symbol);
  if (ts.isVariableDeclaration(declaration)) return `const ${flat(declaration)}`;
  if (ts.isSourceFile(declaration)) return "namespace";
  const text = flat(declaration)
    .replace(/^(export |default |declare )+/, "")
    .replace(/;$/, "");
  const withBody =
    ts.isClassDeclaration(declaration) ||
    ts.isInterfaceDeclaration(declaration) ||
    ts.isEnumDeclaration(declaration) ||
    ts.isModuleDeclaration(declaration);
  return withBody ? text.replace(/\s*\{.*$/, "") : text;
}
