import { ts } from 'ts-morph'
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
      const target = values.of(call.expression)
      const first = call.arguments[0]
      if (first === undefined || target.kind !== 'global' || !timers.has(target.path.join('.'))) continue
      const value = values.of(first)
      if (ts.isTemplateExpression(first) || (value.kind === 'constant' && typeof value.value === 'string')) {
        report(first, `${target.path.join('.')} gets text, which would be turned into code. Give it a function.`)
      }
    }
  },
}
