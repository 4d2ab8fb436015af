import { ts } from 'ts-morph'
import type { SourceText } from './source-text.ts'
import { propertyName } from './syntax.ts'

/**
 * True when a file mentions `db` as a property, in any spelling that can be read without running it. Meant to be too
 * generous: a function that names its own thing `db` is granted a right that it does not use.
 */
export function mentionsDatabase(source: SourceText): boolean {
  const kinds = ts.SyntaxKind
  return source
    .nodesOf(
      kinds.PropertyAccessExpression,
      kinds.ElementAccessExpression,
      kinds.BindingElement,
      kinds.ShorthandPropertyAssignment,
      kinds.PropertyAssignment,
    )
    .some((node) => {
      if (ts.isPropertyAccessExpression(node)) return node.name.text === 'db'
      if (ts.isElementAccessExpression(node)) return ts.isStringLiteralLike(node.argumentExpression) && node.argumentExpression.text === 'db'
      if (ts.isBindingElement(node))
        return (node.propertyName === undefined ? node.name.getText(source.ast) : propertyName(node.propertyName)) === 'db'
      return (ts.isShorthandPropertyAssignment(node) || ts.isPropertyAssignment(node)) && propertyName(node.name) === 'db' && isTarget(node)
    })
}

/** True inside the target of a destructuring assignment: `({ db } = ctx)`. */
function isTarget(node: ts.Node): boolean {
  let at = node.parent
  while (ts.isObjectLiteralExpression(at) || ts.isPropertyAssignment(at) || ts.isArrayLiteralExpression(at)) {
    if (ts.isBinaryExpression(at.parent) && at.parent.left === at && at.parent.operatorToken.kind === ts.SyntaxKind.EqualsToken) return true
    at = at.parent
  }
  return false
}
