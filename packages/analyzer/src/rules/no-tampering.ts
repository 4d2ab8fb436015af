import { ts } from '@ts-morph/common'
import { isFunctionLike, unwrap } from '../source/syntax.ts'
import { writingOperator } from '../source/targets.ts'
import type { GlobalCall, Values } from '../values/evaluate.ts'
import { keyOf, unknown, type Value } from '../values/value.ts'
import type { Rule } from './rule.ts'

/** What the language and the platform bring. Other globals are the function's own. */
const intrinsics: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis))
/** Assignments that many programs make and that change nothing for others. */
const tolerated: ReadonlySet<string> = new Set(['BigInt.prototype.toJSON', 'Error.stackTraceLimit', 'process.exitCode', 'process.title'])
const definers: ReadonlySet<string> = new Set([
  'Object.defineProperty',
  'Object.defineProperties',
  'Object.assign',
  'Object.setPrototypeOf',
  'Object.freeze',
  'Object.seal',
  'Reflect.defineProperty',
  'Reflect.set',
  'Reflect.setPrototypeOf',
  'Reflect.deleteProperty',
])

const remedy = 'Write a function of your own instead.'

/** Built-in objects stay as they are. */
export const noTampering: Rule = {
  id: 'no-tampering',
  severity: 'error',
  summary: 'Built-in objects and their prototypes are not changed.',
  check({ source, values, report }) {
    const kinds = ts.SyntaxKind
    for (const node of source.nodesOf(kinds.PropertyAccessExpression, kinds.ElementAccessExpression, kinds.DeleteExpression, kinds.CallExpression)) {
      if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) {
        const operator = writingOperator(node)
        const changed = operator === undefined ? undefined : describeTarget(node, values)
        // `??=` and `||=` only fill in what is missing; on the prototype of everything there is nothing to fill in.
        const isChange = operator !== undefined && (isReplacement(operator) || changed?.startsWith('Object.prototype.') === true)
        if (changed !== undefined && isChange) report(node, `${changed} is replaced, and other code relies on it. ${remedy}`)
      } else if (ts.isDeleteExpression(node)) {
        const changed = describeTarget(node.expression, values)
        if (changed !== undefined) report(node, `${changed} is deleted, and other code relies on it. ${remedy}`)
      } else if (ts.isCallExpression(node)) {
        const changed = describeCall(node, values)
        if (changed !== undefined) report(node, `${changed} is changed, and other code relies on it. ${remedy}`)
      }
    }
  },
}

function isReplacement(operator: ts.SyntaxKind): boolean {
  const kinds = ts.SyntaxKind
  return operator !== kinds.QuestionQuestionEqualsToken && operator !== kinds.BarBarEqualsToken
}

function describeTarget(target: ts.Expression, values: Values): string | undefined {
  if (!ts.isPropertyAccessExpression(target) && !ts.isElementAccessExpression(target)) return undefined
  const base = values.of(target.expression)
  const key = ts.isPropertyAccessExpression(target) ? target.name.text : keyOf(values.of(target.argumentExpression))
  if (isPrototypeStep(target.expression, values)) return 'A member of a prototype reached through a value'
  return base.kind === 'global' ? describePath([...base.path, key ?? '…']) : undefined
}

/** `({}).__proto__.x = …`, `x.constructor.prototype.y = …` and `Object.getPrototypeOf(async () => {}).z = …` */
function isPrototypeStep(expression: ts.Expression, values: Values): boolean {
  if (ts.isCallExpression(expression)) return isPrototypeOfLiteral(expression, values)
  if (!ts.isPropertyAccessExpression(expression) && !ts.isElementAccessExpression(expression)) return false
  const key = ts.isPropertyAccessExpression(expression) ? expression.name.text : keyOf(values.of(expression.argumentExpression))
  if (key === '__proto__') return true
  return key === 'prototype' && ['some-constructor', 'function-constructor'].includes(values.of(expression.expression).kind)
}

/** A value that stands right there has a built-in prototype, unlike an instance of a class of the function's own. */
function isPrototypeOfLiteral(call: ts.CallExpression, values: Values): boolean {
  const name = values.callOf(call)?.name
  const [value] = call.arguments
  if (value === undefined || (name !== 'Object.getPrototypeOf' && name !== 'Reflect.getPrototypeOf')) return false
  const literal = unwrap(value)
  return isFunctionLike(literal) || ts.isArrayLiteralExpression(literal) || ts.isObjectLiteralExpression(literal) || ts.isLiteralExpression(literal)
}

function describePath(path: readonly string[]): string | undefined {
  const [root = ''] = path
  const name = path.join('.')
  // What other members of a built-in module hold (`EventEmitter.defaultMaxListeners`) is often meant to be set.
  if (root.startsWith('node:')) return path.includes('prototype') ? name.slice('node:'.length) : undefined
  if (!intrinsics.has(root) || tolerated.has(name)) return undefined
  // `process.env.X = …` is the function's own environment.
  if (root === 'process' && path[1] === 'env') return undefined
  return name
}

function describeCall(call: ts.CallExpression, values: Values): string | undefined {
  const called = values.callOf(call)
  const legacy = describeLegacyDefinition(call, called)
  if (legacy !== undefined) return legacy
  const [first, second] = called?.given ?? []
  if (called === undefined || first === undefined || !definers.has(called.name)) return undefined
  if (first.kind !== 'global') return call.arguments[0] !== undefined && isPrototypeStep(call.arguments[0], values) ? 'A prototype' : undefined
  const key = second === undefined ? undefined : keyOf(second)
  const path = first.path.length === 0 ? [key ?? ''] : [...first.path, key ?? '…']
  return isShared(first, path) ? describePath(path) : undefined
}

/** `Array.prototype.__defineGetter__('x', …)`, also through `call`. */
function describeLegacyDefinition(call: ts.CallExpression, called: GlobalCall | undefined): string | undefined {
  if (called !== undefined && /\.__define[GS]etter__$/.test(called.name)) {
    const path = called.name.split('.').slice(0, -1)
    return describePath([...path, keyOf(called.given[0] ?? unknown) ?? '…'])
  }
  const text = call.expression.getText()
  return /\.__define[GS]etter__\.(?:call|apply)$/.test(text) ? 'An object that "__defineGetter__" is called on' : undefined
}

function isShared(object: Value, path: readonly string[]): boolean {
  return object.kind === 'global' && (object.path.length > 0 || intrinsics.has(path[0] ?? ''))
}
