import { ts } from '@ts-morph/common'
import type { Rule } from './rule.ts'

/** JSON has no keys that reach a prototype. */
export const prototypeKeys: Rule = {
  id: 'prototype-keys',
  severity: 'warn',
  summary: 'No JSON text with the keys __proto__ or constructor.prototype, which pollute what it is merged into.',
  check({ source, values, report }) {
    for (const call of source.nodesOf(ts.SyntaxKind.CallExpression)) {
      if (!ts.isCallExpression(call) || call.arguments[0] === undefined) continue
      const target = values.of(call.expression)
      if (target.kind !== 'global' || target.path.join('.') !== 'JSON.parse') continue
      const text = values.of(call.arguments[0])
      if (text.kind === 'constant' && typeof text.value === 'string' && /"__proto__"\s*:|"constructor"\s*:\s*\{\s*"prototype"/.test(text.value)) {
        report(call.arguments[0], 'This JSON has a key that reaches the prototype of what it is merged into. Leave the key out.')
      }
    }
  },
}
