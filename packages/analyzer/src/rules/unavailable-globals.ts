import { ts } from '@ts-morph/common'
import type { Rule } from './rule.ts'

/** Globals of browsers and of Node that functions do not have, and what to use instead. */
const unavailable: ReadonlyMap<string, string> = new Map([
  ['Worker', 'Call other functions with ctx.functions.'],
  ['localStorage', 'Keep data in ctx.db.'],
  ['sessionStorage', 'Keep data in ctx.db.'],
  ['indexedDB', 'Keep data in ctx.db.'],
  ['XMLHttpRequest', 'Use the global fetch.'],
  ['importScripts', 'Write a plain import.'],
  ['ShadowRealm', 'Write the code out.'],
  ['internalBinding', 'Leave it out.'],
  ['BroadcastChannel', 'Keep shared data in ctx.db.'],
])

/** Globals that are used exist. */
export const unavailableGlobals: Rule = {
  id: 'unavailable-globals',
  severity: 'warn',
  summary: 'No globals that functions do not have: workers, storage of browsers, XMLHttpRequest.',
  check({ references, report }) {
    const tested = new Set(
      references.flatMap(({ node, value }) => (value.kind === 'global' && ts.isTypeOfExpression(node.parent) ? [value.path[0]] : [])),
    )
    for (const { node, value } of references) {
      const name = value.kind === 'global' ? (value.path[0] ?? '') : ''
      const remedy = unavailable.get(name)
      // Who asks whether it is there can do without.
      if (remedy === undefined || tested.has(name)) continue
      report(node, `Functions have no ${name}. ${remedy}`)
    }
  },
}
