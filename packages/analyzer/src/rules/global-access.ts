import { ts } from '@ts-morph/common'
import type { Values } from '../values/evaluate.ts'
import type { Value } from '../values/value.ts'
import type { Rule } from './rule.ts'

/** Calls that list or copy everything an object has. */
const listers: ReadonlySet<string> = new Set([
  ...['ownKeys', 'getOwnPropertyDescriptor', 'get', 'has'].map((name) => `Reflect.${name}`),
  ...['keys', 'values', 'entries', 'assign', 'getOwnPropertyNames', 'getOwnPropertyDescriptors', 'getOwnPropertyDescriptor', 'getPrototypeOf'].map(
    (name) => `Object.${name}`,
  ),
])

/** Ways from CommonJS to the loader. */
const loader: ReadonlySet<string> = new Set([
  'require.cache',
  'require.main',
  'require.extensions',
  'module.constructor',
  'module.require',
  'module.children',
  'module.parent',
  'process.mainModule',
])

/** Globals are used by name. */
export const globalAccess: Rule = {
  id: 'global-access',
  severity: 'error',
  summary: 'The global object is used with names that stand in the text: not computed, listed, spread or searched.',
  check({ source, values, references, report }) {
    const kinds = ts.SyntaxKind
    for (const node of source.nodesOf(kinds.ElementAccessExpression, kinds.SpreadAssignment, kinds.WithStatement, kinds.ForInStatement)) {
      if (ts.isElementAccessExpression(node) && isGlobalObject(values.of(node.expression)) && isComputed(node.argumentExpression, values)) {
        report(node, 'A computed member of the global object is used. Write the name of the global.')
      }
      if (ts.isForInStatement(node) && isGlobalObject(values.of(node.expression)))
        report(node.expression, 'The global object is listed or searched. Write the names of the globals.')
      if (ts.isSpreadAssignment(node) && isGlobalObject(values.of(node.expression)))
        report(node, 'The global object is copied. Name the globals that are needed.')
      if (ts.isWithStatement(node))
        report({ start: node.getStart(), length: 'with'.length }, 'The with statement hides which names are used. Write them out.')
    }
    for (const call of source.nodesOf(kinds.CallExpression)) {
      const called = ts.isCallExpression(call) ? values.callOf(call) : undefined
      const [first, second] = called?.given ?? []
      if (called === undefined || first === undefined || !listers.has(called.name) || !isGlobalObject(first)) continue
      if (second?.kind === 'constant') continue
      report(call, 'The global object is listed or searched. Write the names of the globals.')
    }
    for (const { node, value } of references) {
      const path = value.kind === 'global' ? value.path.slice(0, 2).join('.') : ''
      if (loader.has(path) && !(path === 'require.main' && ts.isBinaryExpression(node.parent)))
        report(node, `${path} reaches the module loader. Write a plain import.`)
    }
  },
}

function isGlobalObject(value: Value): boolean {
  return value.kind === 'global' && value.path.length === 0
}

/** Neither a known name nor a symbol: `globalThis[Symbol.for('x')]` is how packages share something of their own. */
function isComputed(key: ts.Expression, values: Values): boolean {
  const value = values.of(key)
  if (value.kind === 'constant') return false
  if (value.kind === 'global') return value.path[0] !== 'Symbol'
  return value.kind !== 'symbol'
}
