// Two definitions that users know by one name: what kind they are, and what is different.

import { flat } from "./likeness.mjs";
import { compareMembers } from "./members.mjs";
import { references } from "./references.mjs";
import {
  changedDefaults,
  compareSignatures,
  constraints,
  defaults,
  shared,
  shownParameters,
} from "./signatures.mjs";
import { ts } from "./typescript.mjs";

const has = (node, kind) => Boolean(node.modifiers?.some((m) => m.kind === ts.SyntaxKind[kind]));

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

function firstOf(table, flags) {
  return table.find(({ flag }) => flags & flag)?.kind ?? null;
}

/** What a symbol is as a value and as a type. */
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
   * @param {(difference: Record<string, unknown>) => void} report
   */
  constructor(world, texts, questions, positions, report) {
    this.world = world;
    this.texts = texts;
    this.questions = questions;
    this.positions = positions;
    this.report = report;
    /** What users can import of the old version. @type {Set<import("typescript").Symbol>} */
    this.exported = new Set();
  }

  /** `item`: { symbol, old, new: symbols, typeOnly: { old, new }, exported }. */
  pair(item) {
    const [was, is] = [kinds(item.old, item.typeOnly?.old), kinds(item.new, item.typeOnly?.new)];
    const node = (symbol) =>
      symbol.declarations.find((d) => d.name)?.name ?? symbol.declarations[0];
    const whole = { was: shown(item.old), is: shown(item.new) };
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
    if (was.value && !is.value) tell("no-longer-a-value", { old: was.any, new: is.any, ...whole });
    else if (was.value && was.value !== is.value) this.crossValue(item, was, is, tell, whole);
    else if (was.value) this.value(item, was.value, tell, whole);
    if (was.value === "class" && is.type === "class") return;
    if (was.type && !is.type) tell("no-longer-a-type", { old: was.any, new: is.any, ...whole });
    else if (was.type && was.type !== "enum") this.type(item, tell, whole);
  }

  value(item, kind, tell, whole) {
    if (kind === "function")
      this.functions(functionsOf(item.old), functionsOf(item.new), tell, whole);
    if (kind === "class") this.members(item, tell);
    if (kind === "enum") this.enums(item);
    if (kind === "constant") this.constants(item, tell, whole);
  }

  functions(old, now, tell, whole) {
    const slot = {
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
   */
  crossValue(item, was, is, tell, whole) {
    const [old, now] = [callables(item.old), callables(item.new)];
    if (old && now) return this.functions(old, now, tell, whole);
    const doubt =
      was.value !== "function" &&
      is.value !== "function" &&
      !(was.value === "class" && is.value === "namespace");
    tell(doubt ? "kind-maybe-changed" : "kind-changed", { old: was.any, new: is.any, ...whole });
  }

  constants(item, tell, whole) {
    const [old, now] = [item.old, item.new].map((symbol) =>
      symbol.declarations.find(ts.isVariableDeclaration),
    );
    if (callables(item.old) && callables(item.new))
      return this.functions(callables(item.old), callables(item.new), tell, whole);
    const text = (declaration) =>
      this.texts.of(declaration.type ?? declaration.initializer ?? declaration.name);
    const [before, after] = [text(old), text(now)];
    if (before.same === after.same) return;
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
    this.questions.ask([], { was: before.text, now: after.text }, (answer) => {
      const [a, b] = [old, now].map((d) => flat(d.type ?? d.initializer ?? d));
      if (!answer.serves("now", "was")) tell("constant-type-changed", { old: a, new: b, ...whole });
    });
  }

  enums(item) {
    const list = (symbol) =>
      symbol.declarations.filter(ts.isEnumDeclaration).flatMap((d) => [...d.members]);
    const value = (member) => this.world.checker.getConstantValue(member);
    const named = (members) => new Map(members.map((m) => [m.name.text, m]));
    const [old, now] = [named(list(item.old)), named(list(item.new))];
    const tell = (rule, member, extra) =>
      this.report({
        rule,
        symbol: `${item.symbol}.${member.name.text}`,
        kind: "enum-member",
        ...extra,
      });
    const constant = (symbol) => symbol.declarations.some((d) => has(d, "ConstKeyword"));
    const come = [...now.values()].filter((m) => !old.has(m.name.text));
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
          new: other.name.text,
        });
      } else if (!same) tell("enum-member-removed", member, at);
    }
    for (const member of come.filter((m) => !m.renamed))
      tell("enum-member-added", member, { newNode: member.name, is: member.getText() });
    if (!constant(item.old) && constant(item.new))
      this.report({
        rule: "became-const-enum",
        was: shown(item.old),
        is: shown(item.new),
        symbol: item.symbol,
        kind: "enum",
        oldNode: item.old.declarations[0].name,
        newNode: item.new.declarations[0].name,
      });
  }

  type(item, tell, whole) {
    const [old, now] = [item.old, item.new].map((symbol) => literals(symbol));
    if (old && now) return this.members(item, tell);
    const names = this.parameters(item, tell);
    const text = (symbol, side) => typeText(this.texts, symbol, names[side]);
    const [before, after] = [text(item.old, "old"), text(item.new, "new")];
    if (before.same === after.same) return;
    const ways = this.ways(item);
    const callable = [item.old, item.new].map((symbol) => aliased(symbol));
    if (callable.every((node) => node && ts.isFunctionTypeNode(node))) {
      const slot = { positions: ways, names };
      return compareSignatures(this.questions, [callable[0]], [callable[1]], slot, (found) => {
        for (const one of found) tell(one.rule, { ...one, ...whole });
      });
    }
    const [first, second] = callable;
    if (this.branches([first, second], names, ways, tell, whole)) return;
    const { checker } = this.world;
    // So can two that take such a type by its name.
    const named = (node) =>
      references(node, checker).some(({ symbol }) => {
        const alias = this.world.resolved(symbol)?.declarations?.find(ts.isTypeAliasDeclaration);
        return alias?.typeParameters && deferred(alias.type);
      });
    const doubt =
      names.declared.length > 0 &&
      callable.some((node) => node && (deferred(node) || (!item.exported && named(node))));
    this.questions.ask(names.declared, { was: before.text, now: after.text }, (answer) => {
      const rule = changed(answer, ways);
      if (rule)
        tell(doubt ? "type-maybe-changed" : rule, {
          old: flat(callable[0] ?? item.old.declarations[0]),
          new: flat(callable[1] ?? item.new.declarations[0]),
          ...whole,
        });
    });
  }

  /**
   * Conditional types with the same condition: their branches are compared, with what the condition infers
   * as further type parameters. Returns whether that was possible.
   */
  branches([old, now], names, ways, tell, whole) {
    const pairs = [];
    const own = { old: new Map(names.old), new: new Map(names.new), declared: [...names.declared] };
    const inferred = (node, side) => {
      const found = [];
      const look = (inner) => {
        if (ts.isInferTypeNode(inner)) found.push(inner.typeParameter.name);
        ts.forEachChild(inner, (child) => void look(child));
      };
      look(node);
      for (const [i, name] of found.entries())
        own[side].set(this.world.checker.getSymbolAtLocation(name), `V${own.declared.length + i}`);
      return found;
    };
    const condition = (node, side) => {
      const names = inferred(node.extendsType, side).map((name) => name.text);
      const { same } = this.texts.of(node.extendsType, own[side]);
      const numbered = same.replace(/infer (\w+)/g, (_, name) => `infer ${names.indexOf(name)}`);
      return {
        count: names.length,
        text: `${this.texts.of(node.checkType, own[side]).same} ${numbered}`,
      };
    };
    const split = (was, is) => {
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

  /** Where values of it go; both ways where nothing says. */
  ways(item) {
    const ways = this.positions.of(item.old);
    return ways.in || ways.out ? ways : { in: true, out: true };
  }

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
    const inherited = (member) => {
      const type = member.isStatic
        ? checker.getTypeOfSymbol(item.old)
        : checker.getDeclaredTypeOfSymbol(item.old);
      return member.kind !== "constructor" && Boolean(checker.getPropertyOfType(type, member.name));
    };
    const report = ({ member, ...one }) =>
      this.report({
        ...one,
        symbol: `${item.symbol}.${member.name}`,
        kind: "member",
        what: one.what ?? member.name,
      });
    const closed = item.new.declarations.filter(ts.isClassDeclaration).some(isClosed);
    const base = { old: heritage(item.old), new: heritage(item.new) };
    const ways = isClass ? { in: false, out: true } : this.ways(item);
    if (isClass) this.classes(item, tell);
    if (base.old) this.bases(item, base, names, self, tell);
    compareMembers(this.questions, {
      names,
      declarations,
      positions: ways,
      isClass,
      self,
      inherited,
      report,
      base,
      closed,
    });
  }

  /** Type parameters of both, under shared names; told where users who name them break. */
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

  /** What it was derived from, it still is. */
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

  /** Is a class that users know no base any more, neither of the class nor of its bases? */
  isOther(item, base) {
    const { checker } = this.world;
    const resolved = (node) => this.world.resolved(checker.getSymbolAtLocation(node.expression));
    const known = (symbol) => {
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
    const all = (one) => {
      if (!one || seen.has(one)) return [];
      seen.add(one);
      const bases = (heritage(one) ?? []).map(resolved);
      // What is computed is left to the compiler.
      return bases.includes(undefined)
        ? [known(symbol)]
        : bases.flatMap((b) => [known(b), ...all(b)]);
    };
    return !all(item.new).includes(known(symbol));
  }

  classes(item, tell) {
    const [old, now] = [item.old, item.new].map((symbol) =>
      symbol.declarations.find(ts.isClassDeclaration),
    );
    if (!has(old, "AbstractKeyword") && has(now, "AbstractKeyword")) tell("class-became-abstract");
    if (!isClosed(old) && isClosed(now)) tell("constructor-became-private");
    const nominal = (node) =>
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

/** How a type changed for those who get values of it, and those who give them. */
function changed(answer, ways) {
  const widened = ways.out && !answer.serves("now", "was");
  const narrowed = ways.in && !answer.fits("was", "now");
  if (widened && narrowed) return "type-changed";
  return widened ? "type-widened" : narrowed ? "type-narrowed" : null;
}

/** Nobody else can call its constructor. */
function isClosed(node) {
  return node.members.some(
    (member) => ts.isConstructorDeclaration(member) && has(member, "PrivateKeyword"),
  );
}

function functionsOf(symbol) {
  return symbol.declarations.filter(ts.isFunctionDeclaration);
}

/** The signatures of a function, or of a constant that holds one. */
function callables(symbol) {
  if (symbol.flags & ts.SymbolFlags.Function) return functionsOf(symbol);
  const type = symbol.declarations.find(ts.isVariableDeclaration)?.type;
  if (!type) return null;
  if (ts.isFunctionTypeNode(type)) return [type];
  const onlyCalls =
    ts.isTypeLiteralNode(type) &&
    type.members.length > 0 &&
    type.members.every(ts.isCallSignatureDeclaration);
  return onlyCalls ? [...type.members] : null;
}

function parametersOf(symbol) {
  const declaration = symbol.declarations.find((d) => d.typeParameters);
  return declaration ? [...declaration.typeParameters] : [];
}

function aliased(symbol) {
  const type = symbol.declarations.find(ts.isTypeAliasDeclaration)?.type;
  return type && ts.isParenthesizedTypeNode(type) ? type.type : type;
}

/** Has it members that are written out? */
function literals(symbol) {
  const type = aliased(symbol);
  return type ? ts.isTypeLiteralNode(type) : true;
}

function bodies(symbol) {
  return symbol.declarations.flatMap((d) => {
    if (ts.isTypeAliasDeclaration(d)) return ts.isTypeLiteralNode(d.type) ? [d.type] : [];
    return ts.isClassDeclaration(d) || ts.isInterfaceDeclaration(d) ? [d] : [];
  });
}

function heritage(symbol) {
  const clauses = symbol.declarations
    .flatMap((d) => d.heritageClauses ?? [])
    .filter((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword);
  const types = clauses.flatMap((clause) => [...clause.types]);
  return types.length > 0 ? types : null;
}

/** An alias's type; an interface spelt out. */
function typeText(texts, symbol, names) {
  const type = aliased(symbol);
  if (type) return texts.of(type, names);
  const parts = [];
  for (const body of bodies(symbol)) {
    const list = [...body.members].map((m) => texts.of(m, names));
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

/** Two types that depend on a type parameter can be the same without the compiler seeing it. */
function deferred(node) {
  if (
    ts.isConditionalTypeNode(node) ||
    ts.isMappedTypeNode(node) ||
    ts.isIndexedAccessTypeNode(node)
  )
    return true;
  return ts.forEachChild(node, deferred) ?? false;
}

function kindOfLiteral(node) {
  if (ts.isStringLiteral(node) || ts.isNumericLiteral(node) || ts.isPrefixUnaryExpression(node))
    return ts.isStringLiteral(node) ? "string" : "number";
  return node.kind === ts.SyntaxKind.TrueKeyword || node.kind === ts.SyntaxKind.FalseKeyword
    ? "boolean"
    : node.kind;
}

/** A definition in one line: a class or an interface without its members. */
export function shown(symbol) {
  const declaration = symbol.declarations[0];
  if (ts.isVariableDeclaration(declaration)) return `const ${flat(declaration)}`;
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
