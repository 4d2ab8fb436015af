import { ts } from '@ts-morph/common'
import { keyOf } from '../values/value.ts'
import type { Rule } from './rule.ts'

/** Members behind which Node and the engine keep what is not for programs. */
const internals: ReadonlySet<string> = new Set([
  '_handle',
  '_channel',
  '_linkedBinding',
  '_debugProcess',
  '_debugEnd',
  '_getActiveHandles',
  '_getActiveRequests',
  '_tickCallback',
  '_rawDebug',
  '_kill',
  '_load',
  '_extensions',
  '_resolveFilename',
  '_findPath',
  '_preloadModules',
  '_writableState',
  '_readableState',
  '_idleNext',
  '_idlePrev',
  '_onTimeout',
  'prepareStackTrace',
  'captureStackTrace',
  'callee',
  'caller',
])
/** Of those, what a well-meant program has a use for when it stands on what is named here. */
const ownUses: ReadonlyMap<string, string> = new Map([['captureStackTrace', 'Error']])

/** Built-in objects are used by what their documentation says. */
export const engineInternals: Rule = {
  id: 'engine-internals',
  severity: 'warn',
  summary: 'No members in which Node or the engine keeps what is not for programs, such as _handle, callee or prepareStackTrace.',
  check({ source, values, report }) {
    const kinds = ts.SyntaxKind
    for (const node of source.nodesOf(kinds.PropertyAccessExpression, kinds.ElementAccessExpression)) {
      if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) continue
      const key = ts.isPropertyAccessExpression(node) ? node.name.text : keyOf(values.of(node.argumentExpression))
      if (key === undefined || !internals.has(key) || node.expression.kind === kinds.ThisKeyword || node.expression.getText() === ownUses.get(key))
        continue
      const target = ts.isPropertyAccessExpression(node) ? node.name : node.argumentExpression
      report(target, `"${key}" is an inside of Node or of the engine. Use what its documentation offers.`)
    }
  },
}
