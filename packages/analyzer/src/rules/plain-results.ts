import { ts } from '@ts-morph/common'
import { findDefaultExport } from '../source/exports.ts'
import { isFunctionLike, unwrap } from '../source/syntax.ts'
import type { LocalFunction } from '../values/calls.ts'
import type { Values } from '../values/evaluate.ts'
import type { Rule } from './rule.ts'

/** A handler gives and throws plain things. */
export const plainResults: Rule = {
  id: 'plain-results',
  severity: 'warn',
  summary: 'A handler returns data and throws errors: no proxies, and no objects with a then of their own.',
  check({ source, isEntry, values, report }) {
    const found = isEntry ? findDefaultExport(source.ast) : undefined
    if (found?.kind !== 'local' || found.value === undefined || !isFunctionLike(found.value)) return
    const ends = source.nodesOf(ts.SyntaxKind.ReturnStatement, ts.SyntaxKind.ThrowStatement)
    const seen = new Set<ts.Node>()
    checkFunction(found.value)

    /** Looks at what a function gives, and at what the functions of the file give whose result it hands on. */
    function checkFunction(called: LocalFunction): void {
      if (seen.has(called)) return
      seen.add(called)
      if (called.body !== undefined && ts.isExpression(called.body)) check(called.body, 'returned')
      for (const node of ends) {
        if (!ts.isReturnStatement(node) && !ts.isThrowStatement(node)) continue
        if (node.expression !== undefined && owner(node) === called) check(node.expression, ts.isThrowStatement(node) ? 'thrown' : 'returned')
      }
    }

    function check(expression: ts.Expression, how: string): void {
      const awaited = unwrap(expression)
      const value = ts.isAwaitExpression(awaited) ? unwrap(awaited.expression) : awaited
      const target = how === 'returned' && ts.isCallExpression(value) ? values.targetOf(value) : undefined
      if (target !== undefined) checkFunction(target)
      if (ts.isNewExpression(value) && isProxy(value, values))
        report(value, `A Proxy is ${how}. ${how === 'thrown' ? 'Throw an Error' : 'Return plain data'}.`)
      else if (how === 'returned' && isThenable(value))
        report(value, 'The result has a "then" of its own, so it is awaited instead of returned. Give the member another name.')
    }
  },
}

function owner(node: ts.Node): ts.Node {
  let at = node.parent
  while (!ts.isFunctionLike(at) && !ts.isSourceFile(at)) at = at.parent
  return at
}

function isProxy(value: ts.NewExpression, values: Values): boolean {
  const type = values.of(value.expression)
  return type.kind === 'global' && type.path.join('.') === 'Proxy'
}

function isThenable(value: ts.Expression): boolean {
  return (
    ts.isObjectLiteralExpression(value) &&
    value.properties.some((one) => one.name !== undefined && ts.isIdentifier(one.name) && one.name.text === 'then')
  )
}
