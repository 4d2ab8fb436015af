import { ts } from '@ts-morph/common'
import type { Values } from '../values/evaluate.ts'
import { keyOf, type Value } from '../values/value.ts'
import type { Rule, RuleContext } from './rule.ts'

/** Largest value that is taken for honest, in bytes, characters or elements: half of what a function has unless its config says otherwise (128 MiB). */
const maxSize = 64 * 1024 * 1024
/** Deepest nesting that is taken for honest; `JSON.stringify` fails at some thousands. */
const maxNesting = 1000

const remedy = 'Work on parts of it, one after the other.'

/** Nothing is made that no function has room for. */
export const largeValues: Rule = {
  id: 'large-values',
  severity: 'warn',
  summary: 'No text, list or buffer of a constant size above 64 Mi, and none nested deeper than 1000, also when a loop adds it up.',
  check(context) {
    const { source, values, report } = context
    const kinds = ts.SyntaxKind
    for (const node of source.nodesOf(kinds.CallExpression, kinds.NewExpression)) {
      if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) continue
      const size = sizeOf(node, values)
      if (size === undefined) continue
      const turns = isKept(node) ? turnsAround(node, values) : 1
      if (size * turns > maxSize)
        report(node, `This makes a value of ${describe(size * turns)}, which is more than a function has room for. ${remedy}`)
    }
    checkLengths(context)
    checkNesting(context)
  },
}

/** `list[4294967293] = 1` and `list.length = 1e9` make a list that long. */
function checkLengths({ source, values, report }: RuleContext): void {
  for (const node of source.nodesOf(ts.SyntaxKind.BinaryExpression)) {
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) continue
    const { left } = node
    const isList = ts.isElementAccessExpression(left) && values.of(left.expression).kind === 'list'
    const length = isList
      ? numberOf(values.of(left.argumentExpression))
      : ts.isPropertyAccessExpression(left) && left.name.text === 'length'
        ? numberOf(values.of(node.right))
        : undefined
    if (length !== undefined && length > maxSize)
      report(node, `This makes a list of ${describe(length)}, which cannot be written as JSON. Use a Map.`)
  }
}

/** `value = [value]` in a loop of many turns. */
function checkNesting({ source, values, report }: RuleContext): void {
  for (const node of source.nodesOf(ts.SyntaxKind.BinaryExpression)) {
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken || !ts.isIdentifier(node.left)) continue
    if (!wraps(node.right, node.left.text) || turnsAround(node, values) <= maxNesting) continue
    report(node, `This nests a value deeper than ${maxNesting} levels, which cannot be written as JSON. Use a list.`)
  }
}

function wraps(value: ts.Expression, name: string): boolean {
  const parts = ts.isArrayLiteralExpression(value)
    ? value.elements
    : ts.isNewExpression(value)
      ? (value.arguments ?? [])
      : ts.isObjectLiteralExpression(value)
        ? value.properties.map((one) => (ts.isPropertyAssignment(one) ? one.initializer : one.name))
        : []
  return parts.some((one) => one !== undefined && ((ts.isIdentifier(one) && one.text === name) || (ts.isExpression(one) && wraps(one, name))))
}

function sizeOf(node: ts.CallExpression | ts.NewExpression, values: Values): number | undefined {
  const [first, second] = (node.arguments ?? []).map((one) => numberOf(values.of(one)))
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const method = node.expression.name.text
    if (method === 'padStart' || method === 'padEnd') return first
    if (method === 'repeat') return first === undefined ? undefined : first * (keyOf(values.of(node.expression.expression))?.length ?? 1)
    // What a compressed buffer becomes is bounded by `maxOutputLength` only.
    if (method === 'fill' && (ts.isNewExpression(node.expression.expression) || ts.isCallExpression(node.expression.expression))) return undefined
  }
  const target = values.of(node.expression)
  if (target.kind !== 'global' || first === undefined) return undefined
  const name = target.path.join('.')
  if (name === 'Array' && second === undefined && node.arguments?.length === 1) return first
  if (/^Buffer\.alloc(?:Unsafe|UnsafeSlow)?$|^(?:Shared)?ArrayBuffer$|^(?:Ui|I)nt8Array$|^Uint8ClampedArray$/.test(name)) return first
  if (/^(?:Ui|I)nt16Array$/.test(name)) return first * 2
  if (/^(?:(?:Ui|I)nt|Float)32Array$/.test(name)) return first * 4
  return /^(?:Float64|Big(?:Ui|I)nt64)Array$/.test(name) ? first * 8 : undefined
}

/** Whether the value outlives the turn of a loop: it is given to a call, as in `list.push(new Array(1000))`. */
function isKept(node: ts.Node): boolean {
  for (let at = node; !ts.isStatement(at); at = at.parent) {
    const { parent } = at
    if (ts.isCallExpression(parent) && parent.expression !== at) {
      return ts.isPropertyAccessExpression(parent.expression) && ['push', 'unshift', 'add', 'set'].includes(parent.expression.name.text)
    }
  }
  return false
}

/** How often constant loops around a place run it. */
function turnsAround(node: ts.Node, values: Values): number {
  let turns = 1
  for (let at = node; !ts.isSourceFile(at) && !ts.isFunctionLike(at); at = at.parent) {
    if (!ts.isForStatement(at) || at.condition === undefined || !ts.isBinaryExpression(at.condition)) continue
    const bound = numberOf(values.of(at.condition.right))
    const isCounted =
      at.condition.operatorToken.kind === ts.SyntaxKind.LessThanToken || at.condition.operatorToken.kind === ts.SyntaxKind.LessThanEqualsToken
    if (isCounted && bound !== undefined && bound > 0) turns *= bound
  }
  return turns
}

function numberOf(value: Value): number | undefined {
  return value.kind === 'constant' && typeof value.value === 'number' ? value.value : undefined
}

function describe(size: number): string {
  return size >= 2 ** 20 ? `${Math.round(size / 2 ** 20)} Mi` : String(size)
}
