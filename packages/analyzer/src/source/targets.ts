import { ts } from '@ts-morph/common'

/**
 * The operator with which an expression is written, wherever the assignment hides it: `x = 1`, `[x] = list`, `({ a: x } = object)`,
 * `for (x of list)`, `x++`. `undefined` when it is only read.
 */
export function writingOperator(node: ts.Expression): ts.SyntaxKind | undefined {
  const kinds = ts.SyntaxKind
  let at: ts.Node = node
  while (isPartOfPattern(at)) at = at.parent
  const { parent } = at
  if (ts.isForOfStatement(parent) || ts.isForInStatement(parent)) return parent.initializer === at ? kinds.EqualsToken : undefined
  if (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent)) {
    return parent.operator === kinds.PlusPlusToken || parent.operator === kinds.MinusMinusToken ? parent.operator : undefined
  }
  if (!ts.isBinaryExpression(parent) || parent.left !== at) return undefined
  const operator = parent.operatorToken.kind
  return operator >= kinds.FirstAssignment && operator <= kinds.LastAssignment ? operator : undefined
}

/** Whether a name receives a part of what an assignment takes apart: `({ env: e } = process)`. */
export function isTakenApart(name: ts.Identifier): boolean {
  return isPartOfPattern(name) && writingOperator(name) !== undefined
}

/** One step from a part of a literal to the literal; `a: x` is such a part, and so is the default in `[x = 1]`. */
function isPartOfPattern(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  if (ts.isBinaryExpression(parent))
    return parent.left === node && ts.isArrayLiteralExpression(parent.parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken
  return (
    ts.isShorthandPropertyAssignment(parent) ||
    ts.isArrayLiteralExpression(parent) ||
    ts.isSpreadElement(parent) ||
    ts.isSpreadAssignment(parent) ||
    ts.isObjectLiteralExpression(parent) ||
    ts.isParenthesizedExpression(parent)
  )
}
