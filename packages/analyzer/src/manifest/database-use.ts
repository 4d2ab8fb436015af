import { ts } from '@ts-morph/common'
import type { SourceText } from '../source/source-text.ts'
import { propertyName } from '../source/syntax.ts'
import type { Values } from '../values/evaluate.ts'
import { keyOf } from '../values/value.ts'

/**
 * The first place where a file mentions `db` as a property, in any spelling that can be read without running it. Meant to be too
 * generous: a function that names its own thing `db` is granted a right that it does not use.
 */
export function findDatabaseUse(source: SourceText, values: Values): ts.Node | undefined {
  const kinds = ts.SyntaxKind
  return source
    .nodesOf(
      kinds.PropertyAccessExpression,
      kinds.ElementAccessExpression,
      kinds.BindingElement,
      kinds.ShorthandPropertyAssignment,
      kinds.PropertyAssignment,
      kinds.CallExpression,
    )
    .find((node) => {
      if (ts.isPropertyAccessExpression(node)) return node.name.text === 'db'
      if (ts.isElementAccessExpression(node)) return keyOf(values.of(node.argumentExpression)) === 'db'
      if (ts.isCallExpression(node)) return isReflected(node, values)
      if (ts.isBindingElement(node)) return bindingKey(node, values) === 'db'
      return (ts.isShorthandPropertyAssignment(node) || ts.isPropertyAssignment(node)) && propertyName(node.name) === 'db' && isTarget(node)
    })
}

function bindingKey({ propertyName: key, name }: ts.BindingElement, values: Values): string | undefined {
  if (key === undefined) return ts.isIdentifier(name) ? name.text : undefined
  return ts.isComputedPropertyName(key) ? keyOf(values.of(key.expression)) : propertyName(key)
}

/** `Reflect.get(ctx, 'db')`. */
function isReflected(node: ts.CallExpression, values: Values): boolean {
  const key = node.arguments[1]
  if (key === undefined || keyOf(values.of(key)) !== 'db') return false
  const target = values.of(node.expression)
  return target.kind === 'global' && target.path.join('.') === 'Reflect.get'
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
