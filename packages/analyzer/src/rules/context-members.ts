import { ts } from '@ts-morph/common'
import { findDefaultExport } from '../source/exports.ts'
import { isFunctionLike, propertyName } from '../source/syntax.ts'
import type { Rule } from './rule.ts'

/** The members of `Context` (contracts). */
const members = ['db', 'log', 'secrets', 'env', 'functions', 'request', 'user', 'tenant', 'invocation', 'signal', 'deadline', 'waitUntil']

/** The context has what the code asks of it. */
export const contextMembers: Rule = {
  id: 'context-members',
  severity: 'warn',
  summary: 'Only members that the context has are used.',
  check({ source, isEntry, checker, report }) {
    const found = isEntry ? findDefaultExport(source.ast) : undefined
    if (found?.kind !== 'local' || found.value === undefined || !isFunctionLike(found.value)) return
    const parameter = found.value.parameters[1]
    if (parameter === undefined) return
    if (ts.isObjectBindingPattern(parameter.name)) {
      for (const one of parameter.name.elements) check(one.dotDotDotToken === undefined ? (one.propertyName ?? one.name) : undefined)
      return
    }
    if (!ts.isIdentifier(parameter.name)) return
    const symbol = checker.getSymbolAtLocation(parameter.name)
    for (const access of source.nodesOf(ts.SyntaxKind.PropertyAccessExpression)) {
      if (!ts.isPropertyAccessExpression(access) || !ts.isIdentifier(access.expression) || access.expression.text !== parameter.name.text) continue
      if (checker.getSymbolAtLocation(access.expression) === symbol) check(access.name)
    }

    function check(name: ts.Node | undefined): void {
      const text = name === undefined ? undefined : ts.isIdentifier(name) ? name.text : ts.isPropertyName(name) ? propertyName(name) : undefined
      if (name === undefined || text === undefined || members.includes(text)) return
      const remedy = text === 'fetch' ? 'Use the global fetch.' : `It has ${members.join(', ')}.`
      report(name, `The context has no "${text}". ${remedy}`)
    }
  },
}
