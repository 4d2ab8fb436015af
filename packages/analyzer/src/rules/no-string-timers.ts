import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { Values } from '../values/evaluate.ts'
import type { Value } from '../values/value.ts'
import type { Rule } from './rule.ts'

const timers = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'])

/** Timers run functions. */
export const noStringTimers: Rule = {
  id: 'no-string-timers',
  severity: 'error',
  summary: 'setTimeout and its siblings get a function, not text.',
  check({ source, values, report }) {
    for (const call of source.nodesOf(ts.SyntaxKind.CallExpression)) {
      if (!ts.isCallExpression(call)) continue
      const called = values.callOf(call)
      if (called === undefined) continue
      const name = called.name.replace(/\.bind$/, '')
      // `bind` gets the object first, as `call` does; `callOf` has taken that off.
      const given = name === called.name ? called.given[0] : called.given[1]
      if (!timers.has(name)) continue
      if ((given !== undefined && isText(given)) || (call.arguments[0] !== undefined && joinsText(call.arguments[0], values))) {
        report(call.arguments[0] ?? call, `${name} gets text, which would be turned into code. Give it a function.`)
      }
    }
  },
}

function isText(value: Value): boolean {
  return value.kind === 'constant' && typeof value.value === 'string'
}

/** A template, or a sum with text on one side, is text whatever the other parts are. */
function joinsText(expression: ts.Expression, values: Values): boolean {
  let at = unwrap(expression)
  while (ts.isBinaryExpression(at) && at.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    if (isText(values.of(at.right)) || ts.isTemplateExpression(unwrap(at.right))) return true
    at = unwrap(at.left)
  }
  return ts.isTemplateExpression(at) || isText(values.of(at))
}
