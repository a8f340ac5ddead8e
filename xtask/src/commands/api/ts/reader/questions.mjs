// Questions to the TypeScript compiler: does this type fit that one? All are asked in one generated file,
// in which both stand as parameters of a function; so both may speak of the same type parameters, and
// nothing but the text in question differs.

import { ts } from "./typescript.mjs";

/** @typedef {ReturnType<typeof answers>} Answer */
/** @typedef {import("typescript").Signature} Signature */
/** @typedef {import("typescript").Type} Type */

export class Questions {
  /**
   * @param {import("./world.mjs").World} world
   * @param {import("./text.mjs").Texts} texts
   */
  constructor(world, texts) {
    this.world = world;
    this.texts = texts;
    /** @type {{ parameters: string[], types: Record<string, string>, then: (answer: Answer) => void }[]} */
    this.asked = [];
  }

  /**
   * Asks about types.
   *
   * @param {string[]} parameters the type parameters that the texts speak of
   * @param {Record<string, string>} types names to texts
   * @param {(answer: Answer) => void} then gets the answers
   */
  ask(parameters, types, then) {
    this.asked.push({ parameters, types, then });
  }

  /** What is to be done when everything asked before has its answer. @param {() => void} then */
  after(then) {
    this.asked.push({ parameters: [], types: {}, then });
  }

  /** Answers may ask further questions. */
  answer() {
    while (this.asked.length > 0) {
      const round = this.asked;
      this.asked = [];
      const questions = round.map(({ parameters, types }, i) => {
        const list = Object.entries(types).map(([name, text]) => `${name}: ${text}`);
        const generic = parameters.length > 0 ? `<${parameters.join(", ")}>` : "";
        return `declare function q${i}${generic}(${list.join(", ")}): void;`;
      });
      const { checker, file } = this.world.ask(
        [...this.texts.head(), ...questions, "export {};"].join("\n"),
      );
      const functions = file.statements.filter(ts.isFunctionDeclaration);
      const declared = new Map(functions.map((one) => [one.name?.text, one]));
      for (const [i, { then }] of round.entries()) {
        // The name is that of a question above.
        const asked = /** @type {import("typescript").FunctionDeclaration} */ (
          declared.get(`q${i}`)
        );
        then(answers(checker, file, asked));
      }
    }
  }
}

/**
 * @param {import("typescript").TypeChecker} checker
 * @param {import("typescript").SourceFile} file
 * @param {import("typescript").FunctionDeclaration} declaration
 */
function answers(checker, file, declaration) {
  /** Only what is asked for: most types of large overloads are not. @type {Map<string, Type>} */
  const types = new Map();
  /** @param {string} name one of the question's */
  const type = (name) => {
    const known = types.get(name);
    if (known) return known;
    const found = /** @type {import("typescript").ParameterDeclaration} */ (
      declaration.parameters.find((p) => p.name.getText(file) === name)
    );
    const resolved = checker.getTypeAtLocation(found);
    types.set(name, resolved);
    return resolved;
  };
  return {
    checker,
    file,
    type,
    /**
     * Can a value of the first be used where the second is asked for?
     *
     * @param {string} from a name of the question
     * @param {string} to
     */
    fits: (from, to) => checker.isTypeAssignableTo(type(from), type(to)),
    /**
     * The same for what readers get: nothing can be done with `unknown`, and everything with `any`.
     *
     * @param {string} now a name of the question
     * @param {string} was
     */
    serves: (now, was) =>
      checker.isTypeAssignableTo(type(now), type(was)) &&
      !isClosed(checker, type(now), type(was)) &&
      takesTypeArguments(checker, type(now), type(was)),
  };
}

/**
 * Was it `any`, and is it `unknown` now? Itself, what a promise or a collection gives, what a function
 * returns, or what has no name of its own in a type.
 *
 * @param {import("typescript").TypeChecker} checker
 * @param {Type | undefined} now
 * @param {Type | undefined} was
 * @returns {boolean}
 */
function isClosed(checker, now, was, depth = 4) {
  if (!now || !was || now === was || depth === 0) return false;
  if (was === checker.getAnyType()) return now === checker.getUnknownType();
  const inner = (/** @type {Type | undefined} */ is, /** @type {Type | undefined} */ before) =>
    isClosed(checker, is, before, depth - 1);
  const given = (/** @type {Type} */ type) =>
    GIVING.includes(type.symbol?.name ?? "")
      ? checker.getTypeArguments(/** @type {import("typescript").TypeReference} */ (type))
      : [];
  const returned = (/** @type {Type} */ type) => type.getCallSignatures()[0]?.getReturnType();
  const indexed = (/** @type {Type} */ type) => type.getStringIndexType();
  return (
    given(was).some((one, i) => inner(given(now)[i], one)) ||
    inner(returned(now), returned(was)) ||
    inner(indexed(now), indexed(was))
  );
}

/** What the library's types with one or two type parameters give to those who read them. */
const GIVING = [
  "Promise",
  "PromiseLike",
  "Array",
  "ReadonlyArray",
  "Map",
  "ReadonlyMap",
  "Set",
  "ReadonlySet",
];

/**
 * Are type arguments that were written in a call still accepted? The compiler infers them when it compares
 * two functions. What has a name is compared by itself.
 *
 * @param {import("typescript").TypeChecker} checker
 * @param {Type} now
 * @param {Type} was
 * @returns {boolean}
 */
function takesTypeArguments(checker, now, was, depth = 3) {
  if (now === was || now.flags & ts.TypeFlags.Any || depth === 0) return true;
  const same = (/** @type {Type | undefined} */ is, /** @type {Type} */ before) =>
    !is || takesTypeArguments(checker, is, before, depth - 1);
  const [old, signatures] = [was, now].map((type) => type.getCallSignatures());
  const members = /^__/.test(was.symbol?.name ?? "__") ? was.getProperties() : [];
  return (
    old.every((one) => signatures.some((other) => takesAll(one, other))) &&
    old.every((one, i) => same(signatures[i]?.getReturnType(), one.getReturnType())) &&
    members.every((one) => {
      const other = now.getProperty(one.name);
      return same(other && checker.getTypeOfSymbol(other), checker.getTypeOfSymbol(one));
    })
  );
}

/** @param {Signature} old @param {Signature} now */
function takesAll({ typeParameters: old = [] }, { typeParameters: now = [] }) {
  return (
    old.length === 0 ||
    (now.length >= old.length && now.slice(old.length).every((one) => one.getDefault()))
  );
}
