// Where a piece of a program speaks of something that is defined elsewhere.

import { ts } from "./typescript.mjs";

/** @typedef {import("typescript").Node} Node */
/** @typedef {import("typescript").Symbol | undefined} Defined what a name means, if it means anything */
/** @typedef {import("typescript").TypeChecker} TypeChecker */
/** @typedef {import("typescript").Identifier} Identifier */
/**
 * @typedef {object} Reference
 * @property {Identifier | import("typescript").StringLiteral} node the name, or the module in `import("…")`
 * @property {Defined} symbol what it means
 * @property {Defined} [whole] what `a.b.c` means, for its `a`
 * @property {Defined} [member] what `import("…").a` means, for the module
 */

/**
 * Identifiers in `node` that mean something defined elsewhere, each with its symbol.
 *
 * @param {Node} node
 * @param {TypeChecker} checker
 * @param {Reference[]} found where they are added to
 */
export function references(node, checker, found = []) {
  if (ts.isIdentifier(node) && isReference(node))
    found.push({ node, symbol: checker.getSymbolAtLocation(node), whole: whole(node, checker) });
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const literal = node.argument.literal;
    if (ts.isStringLiteral(literal))
      found.push({
        node: literal,
        symbol: checker.getSymbolAtLocation(literal),
        member: node.qualifier ? checker.getSymbolAtLocation(node.qualifier) : undefined,
      });
  }
  // A callback that returns something ends the walk.
  ts.forEachChild(node, (child) => void references(child, checker, found));
  return found;
}

/** What `a.b.c` names, for its `a`. @param {Identifier} node @param {TypeChecker} checker */
function whole(node, checker) {
  const { parent } = node;
  if (!ts.isQualifiedName(parent)) return undefined;
  let at = parent;
  while (ts.isQualifiedName(at.parent)) at = at.parent;
  return checker.getSymbolAtLocation(at.right);
}

/** @param {Identifier} node */
function isReference(node) {
  const { parent } = node;
  if (ts.isQualifiedName(parent)) return parent.left === node && !inImportType(parent);
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isTypeReferenceNode(parent)) return parent.typeName === node;
  if (ts.isTypeQueryNode(parent)) return parent.exprName === node;
  if (ts.isVariableDeclaration(parent) || ts.isEnumMember(parent))
    return parent.initializer === node;
  return (
    ts.isExpressionWithTypeArguments(parent) ||
    ts.isComputedPropertyName(parent) ||
    ts.isBinaryExpression(parent)
  );
}

/** @param {Node} node */
function inImportType(node) {
  for (let at = node; ts.isQualifiedName(at); at = at.parent)
    if (ts.isImportTypeNode(at.parent)) return true;
  return false;
}
