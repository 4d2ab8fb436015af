import { ts } from '@ts-morph/common'
import type { Reference } from '../values/references.ts'
import type { Rule } from './rule.ts'

/** What would carry everything along, and what to use instead. */
const carriers: ReadonlyMap<string, string> = new Map([
  ['', 'Name the globals that are needed.'],
  ['process', 'Use process.env, or ctx.env.'],
  ['require', 'Write a plain import.'],
])

/** What gives everything is not handed on. */
export const globalValues: Rule = {
  id: 'global-values',
  severity: 'warn',
  summary: 'The global object, process and require are not handed on as values: what is done with them then cannot be seen.',
  check({ references, report }) {
    for (const reference of references) {
      const { node, value } = reference
      const remedy = value.kind === 'global' && value.path.length < 2 ? carriers.get(value.path.join('')) : undefined
      if (remedy === undefined || !isHandedOn(reference)) continue
      const name = value.kind === 'global' ? value.path[0] : undefined
      report(node, `${name ?? 'The global object'} is used as a value, which gives all of it away. ${remedy}`)
    }
  },
}

function isHandedOn({ node, value }: Reference): boolean {
  if (ts.isBindingElement(node)) return !ts.isObjectBindingPattern(node.name)
  let at = node
  while (ts.isParenthesizedExpression(at.parent) || ts.isAsExpression(at.parent)) at = at.parent
  const { parent } = at
  if (ts.isVariableDeclaration(parent)) return !ts.isObjectBindingPattern(parent.name) && isProcess(value)
  if (ts.isReturnStatement(parent) || ts.isArrowFunction(parent) || ts.isSpreadAssignment(parent)) return true
  if (ts.isPropertyAssignment(parent) || ts.isShorthandPropertyAssignment(parent) || ts.isArrayLiteralExpression(parent)) return true
  // The object that a function of the platform is called on: `fetch.call(globalThis, …)`.
  if (ts.isCallExpression(parent)) return parent.expression !== at && !/\.(?:bind|call|apply)$/.test(parent.expression.getText())
  if (ts.isNewExpression(parent)) return parent.expression !== at
  return ts.isVariableDeclaration(parent.parent) && ts.isConditionalExpression(parent) && parent.condition !== at && isProcess(value)
}

/** A name for the global object is followed, and most programs that run everywhere have one; a name for process has no such use. */
function isProcess(value: Reference['value']): boolean {
  return value.kind === 'global' && value.path.length > 0
}
