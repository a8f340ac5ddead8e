// Which way values of a type go. What the package only hands out, nobody else makes: it may get more
// members. What it only takes, nobody else reads: it may ask for less.

import { references } from "./references.mjs";
import { ts } from "./typescript.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {import("typescript").SignatureDeclaration} Signature */
/** @typedef {import("./references.mjs").Defined} Defined */
/** @typedef {"in" | "out" | "through"} Way */
/** @typedef {Way | null} Flipped null is no way any more */

// "through" is out again what came in: what its functions are given, the package gives, or whoever made it.
/** @type {Record<Way, Way | null>} */
const FLIPPED = { in: "out", out: "in", through: null };
const flip = (/** @type {Flipped} */ way) => way && FLIPPED[way];
const isPrivate = (/** @type {import("typescript").ClassElement} */ node) =>
  (ts.canHaveModifiers(node) &&
    node.modifiers?.some((m) => m.kind === ts.SyntaxKind.PrivateKeyword)) ||
  (node.name && ts.isPrivateIdentifier(node.name));

export class Positions {
  /** @param {import("./world.mjs").World} world */
  constructor(world) {
    this.world = world;
    /** @type {Map<Defined, Set<Way>>} */
    this.ways = new Map();
    /** What the function that is looked at takes. @type {Set<Defined> | undefined} */
    this.taken = undefined;
  }

  /** { in, out } of a symbol of the old version. @param {Defined} symbol */
  of(symbol) {
    const ways = this.ways.get(symbol) ?? new Set();
    return { in: ways.has("in"), out: ways.has("out") || ways.has("through") };
  }

  /** @param {Defined} symbol @param {Flipped} way */
  visit(symbol, way) {
    /** @type {Set<Way>} */
    const ways = this.ways.get(symbol) ?? new Set();
    if (way === null || ways.has(way)) return;
    this.ways.set(symbol, ways.add(way));
    for (const declaration of symbol?.declarations ?? []) this.declaration(declaration, way);
  }

  /** @param {Node} node @param {Flipped} way */
  declaration(node, way) {
    if (ts.isClassDeclaration(node)) {
      // Whoever makes one calls its constructor; what it gives is what callers get.
      for (const m of node.members) if (!isPrivate(m)) this.type(m, "out");
      for (const clause of node.heritageClauses ?? []) this.type(clause, way);
    } else if (isCallable(node)) {
      this.type(node, way);
    } else if (!ts.isModuleDeclaration(node)) {
      ts.forEachChild(node, (child) => this.type(child, way));
    }
  }

  /** @param {Node} node @param {Flipped} way */
  // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one branch for each kind of node
  type(node, way) {
    if (isCallable(node)) {
      for (const p of node.typeParameters ?? []) this.type(p, flip(way));
      for (const p of node.parameters) if (p.type) this.type(p.type, flip(way));
      if (node.type) this.result(node, node.type, way);
      return;
    }
    if (ts.isIdentifier(node)) {
      const found = references(node, this.world.checker)[0];
      if (found) this.name(found.whole ?? found.symbol, way);
      return;
    }
    if (ts.isImportTypeNode(node) && node.qualifier)
      this.name(this.world.checker.getSymbolAtLocation(node.qualifier), way);
    // What a generic of the package does with its arguments is not looked into: both.
    if (ts.isTypeReferenceNode(node) && node.typeArguments && this.ours(node.typeName)) {
      for (const a of node.typeArguments) this.type(a, flip(way));
    }
    ts.forEachChild(node, (child) => this.type(child, way));
  }

  /**
   * Like a function that helps to write a plugin: it takes one, and returns it.
   *
   * @param {Signature} node
   * @param {Node} returned
   * @param {Flipped} way
   */
  result(node, returned, way) {
    const { taken } = this;
    const given = node.parameters.flatMap((p) =>
      p.type ? references(p.type, this.world.checker) : [],
    );
    this.taken = new Set(given.map((one) => this.world.resolved(one.whole ?? one.symbol)));
    this.type(returned, way);
    this.taken = taken;
  }

  /** @param {Node} name */
  ours(name) {
    return Boolean(
      this.world.locate(this.world.resolved(this.world.checker.getSymbolAtLocation(name)))?.side,
    );
  }

  /** @param {Defined} symbol @param {Flipped} way */
  name(symbol, way) {
    const resolved = this.world.resolved(symbol);
    if (!this.world.locate(resolved)?.side) return;
    const { taken } = this;
    this.taken = undefined;
    this.visit(resolved, way === "out" && taken?.has(resolved) ? "through" : way);
    this.taken = taken;
  }
}

/** @param {Node} node @returns {node is Signature} */
function isCallable(node) {
  return (
    ts.isFunctionTypeNode(node) ||
    ts.isConstructorTypeNode(node) ||
    ts.isMethodSignature(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isCallSignatureDeclaration(node) ||
    ts.isConstructSignatureDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isSetAccessor(node)
  );
}
