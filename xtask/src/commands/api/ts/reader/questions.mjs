// Questions to the TypeScript compiler: does this type fit that one? All are asked in one generated file, in which both stand as parameters of a
// function; so both may speak of the same type parameters, and nothing but the text in question differs.

export class Questions {
  constructor(world, texts) {
    this.world = world;
    this.texts = texts;
    this.asked = [];
  }

  /** `types`: names to texts; `parameters`: type parameters that the texts speak of. `then` gets the answers. */
  ask(parameters, types, then) {
    this.asked.push({ parameters, types, then });
  }

  /** What is to be done when everything asked before has its answer. */
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
        return `declare function q${i}${parameters.length > 0 ? `<${parameters.join(", ")}>` : ""}(${list.join(", ")}): void;`;
      });
      const { checker, file } = this.world.ask([...this.texts.head(), ...questions, "export {};"].join("\n"));
      const declared = new Map(file.statements.filter((s) => s.name).map((s) => [s.name.text, s]));
      round.forEach(({ then }, i) => then(answers(checker, file, declared.get(`q${i}`))));
    }
  }
}

function answers(checker, file, declaration) {
  const types = new Map(declaration.parameters.map((p) => [p.name.getText(file), checker.getTypeAtLocation(p)]));
  const type = (name) => types.get(name);
  return {
    checker,
    file,
    type,
    /** Can a value of the first be used where the second is asked for? */
    fits: (from, to) => checker.isTypeAssignableTo(type(from), type(to)),
    /** The same for what readers get: nothing can be done with `unknown`, and everything with `any`. */
    serves(now, was) {
      const any = checker.getAnyType();
      return checker.isTypeAssignableTo(type(now), type(was)) && !(type(was) === any && type(now) === checker.getUnknownType());
    },
  };
}
