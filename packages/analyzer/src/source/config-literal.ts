import { ts } from '@ts-morph/common'
import { propertyName, unwrap } from './syntax.ts'

/** Deepest nesting of a config literal; a JSON Schema of a few dozen levels is already a strange one. */
const maxDepth = 60

/** A place in a literal that cannot be read without running code. */
export interface LiteralProblem {
  readonly node: ts.Node
  readonly message: string
}

/** Reads a literal without running it: strings, numbers, `true`, `false`, `null`, arrays and objects of them. */
export function readLiteral(expression: ts.Expression, problems: LiteralProblem[], depth = 0): unknown {
  const node = unwrap(expression)
  if (depth > maxDepth) return refuse(node, 'is nested too deeply', problems)
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isNumericLiteral(node)) return Number(node.text)
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false
  if (node.kind === ts.SyntaxKind.NullKeyword) return null
  if (ts.isIdentifier(node) && node.text === 'undefined') return undefined
  if (ts.isPrefixUnaryExpression(node) && ts.isNumericLiteral(node.operand)) {
    if (node.operator === ts.SyntaxKind.MinusToken) return -Number(node.operand.text)
    if (node.operator === ts.SyntaxKind.PlusToken) return Number(node.operand.text)
  }
  if (ts.isArrayLiteralExpression(node)) return node.elements.map((one) => readLiteral(one, problems, depth + 1))
  if (ts.isObjectLiteralExpression(node)) return readObject(node, problems, depth)
  return refuse(node, describe(node), problems)
}

/** Reads an object literal; the result has no prototype that a key could reach. */
function readObject(node: ts.ObjectLiteralExpression, problems: LiteralProblem[], depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const property of node.properties) {
    const name = property.name === undefined ? undefined : propertyName(property.name)
    if (!ts.isPropertyAssignment(property)) {
      refuse(
        property,
        ts.isSpreadAssignment(property) ? 'is a spread' : ts.isShorthandPropertyAssignment(property) ? 'is a name' : 'is code',
        problems,
      )
    } else if (name === undefined) {
      refuse(property.name, 'is a computed key', problems)
    } else {
      const value = readLiteral(property.initializer, problems, depth + 1)
      Object.defineProperty(result, name, { value, enumerable: true, writable: true, configurable: true })
    }
  }
  return result
}

function refuse(node: ts.Node, what: string, problems: LiteralProblem[]): undefined {
  problems.push({
    node,
    message: `This part of config ${what}, and config is read without running the code. Write the value itself: a string, number, true, false, null, array or object.`,
  })
  return undefined
}

function describe(node: ts.Node): string {
  if (ts.isIdentifier(node)) return `is the name "${node.text}"`
  if (ts.isTemplateExpression(node)) return 'is a template'
  if (ts.isSpreadElement(node)) return 'is a spread'
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) return 'is a call'
  if (isFunction(node)) return 'is a function'
  return 'is an expression'
}

function isFunction(node: ts.Node): boolean {
  return ts.isArrowFunction(node) || ts.isFunctionExpression(node)
}
