import { ts } from '@ts-morph/common'
import { findDefaultExport } from '../source/exports.ts'
import { isFunctionLike } from '../source/syntax.ts'
import { keyOf } from '../values/value.ts'
import type { Rule, RuleContext } from './rule.ts'

const listers =
  /^(?:Object\.(?:keys|values|entries|getOwnProperty\w+|getPrototypeOf)|Reflect\.(?:ownKeys|get|getOwnPropertyDescriptor|getPrototypeOf))$/

/** The context is used, not searched. */
export const contextWalk: Rule = {
  id: 'context-walk',
  severity: 'warn',
  summary: 'The context is used by the names of its members: not listed, not copied, not searched for prototypes and constructors.',
  check(context) {
    const { source, isEntry, checker, report } = context
    const found = isEntry ? findDefaultExport(source.ast) : undefined
    if (found?.kind !== 'local' || found.value === undefined || !isFunctionLike(found.value)) return
    const name = found.value.parameters[1]?.name
    if (name === undefined || !ts.isIdentifier(name)) return
    const symbol = checker.getSymbolAtLocation(name)
    for (const use of source.nodesOf(ts.SyntaxKind.Identifier)) {
      if (!ts.isIdentifier(use) || use === name || use.text !== name.text || checker.getSymbolAtLocation(use) !== symbol) continue
      if (isSearched(use, context)) report(use, 'The context is listed or searched. Use its members by name.')
    }
  },
}

function isSearched(use: ts.Identifier, { values }: RuleContext): boolean {
  const { parent } = use
  if (ts.isForInStatement(parent) || ts.isSpreadAssignment(parent)) return true
  if (ts.isCallExpression(parent)) return listers.test(values.callOf(parent)?.name ?? '')
  // `for (let object = ctx; object; object = Object.getPrototypeOf(object))`
  if (ts.isVariableDeclaration(parent) && ts.isForStatement(parent.parent.parent)) return true
  let at: ts.Node = use
  while ((ts.isPropertyAccessExpression(at.parent) || ts.isElementAccessExpression(at.parent)) && at.parent.expression === at) {
    const step = at.parent
    const key = ts.isPropertyAccessExpression(step) ? step.name.text : keyOf(values.of(step.argumentExpression))
    // A computed member of the context itself; `ctx.env[name]` is how an environment is read.
    if (key === undefined ? at === use : key === 'constructor' || key === '__proto__') return true
    at = step
  }
  return false
}
