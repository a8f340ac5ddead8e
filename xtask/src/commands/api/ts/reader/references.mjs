// Where a piece of a program speaks of something that is defined elsewhere.

import { ts } from "./typescript.mjs";

/** Identifiers in `node` that mean something defined elsewhere, each with its symbol. */
export function references(node, checker, found = []) {
  if (ts.isIdentifier(node) && isReference(node))
    found.push({ node, symbol: checker.getSymbolAtLocation(node), whole: whole(node, checker) });
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const literal = node.argument.literal;
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

/** What `a.b.c` names, for its `a`. */
function whole(node, checker) {
  let at = node.parent;
  if (!ts.isQualifiedName(at)) return undefined;
  while (ts.isQualifiedName(at.parent)) at = at.parent;
  return checker.getSymbolAtLocation(at.right);
}

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

function inImportType(node) {
  for (let at = node; ts.isQualifiedName(at); at = at.parent)
    if (ts.isImportTypeNode(at.parent)) return true;
  return false;
}
