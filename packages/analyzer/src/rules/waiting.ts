import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { Values } from '../values/evaluate.ts'
import type { Rule } from './rule.ts'

/** Waiting does not block. */
export const noBlocking: Rule = {
  id: 'no-blocking',
  severity: 'warn',
  summary: 'No Atomics.wait, and no empty loop that waits for the clock.',
  check({ source, values, references, report }) {
    for (const { node, value } of references) {
      if (value.kind === 'global' && value.path.join('.') === 'Atomics.wait') report(node, 'Atomics.wait blocks the whole function. Use a promise.')
    }
    const kinds = ts.SyntaxKind
    for (const loop of source.nodesOf(kinds.WhileStatement, kinds.ForStatement)) {
      const condition = ts.isWhileStatement(loop) ? loop.expression : ts.isForStatement(loop) ? loop.condition : undefined
      const body = ts.isWhileStatement(loop) || ts.isForStatement(loop) ? loop.statement : undefined
      if (condition === undefined || body === undefined || !(ts.isEmptyStatement(body) || (ts.isBlock(body) && body.statements.length === 0)))
        continue
      if (asksClock(condition, values))
        report(
          { start: loop.getStart(), length: 5 },
          'This loop burns the processor until time has passed. Write `await setTimeout(ms)` of node:timers/promises.',
        )
    }
  },
}

/** What is awaited can settle. */
export const neverSettles: Rule = {
  id: 'never-settles',
  severity: 'warn',
  summary: 'No promise is awaited whose executor can call neither resolve nor reject.',
  check({ source, values, report }) {
    for (const node of source.nodesOf(ts.SyntaxKind.NewExpression)) {
      if (!ts.isNewExpression(node)) continue
      const type = values.of(node.expression)
      const executor = node.arguments?.[0] === undefined ? undefined : unwrap(node.arguments[0])
      if (type.kind !== 'global' || type.path.join('.') !== 'Promise' || executor === undefined) continue
      if (!ts.isArrowFunction(executor) && !ts.isFunctionExpression(executor)) continue
      if (executor.parameters.length > 0 || !isEmpty(executor.body) || !ts.isAwaitExpression(node.parent)) continue
      report(node, 'This promise never settles, so the function runs until its deadline. Call resolve or reject in it.')
    }
  },
}

function isEmpty(body: ts.ConciseBody): boolean {
  return ts.isBlock(body) ? body.statements.length === 0 : ts.isIdentifier(body) && body.text === 'undefined'
}

function asksClock(condition: ts.Expression, values: Values): boolean {
  const stack: ts.Node[] = [condition]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (ts.isCallExpression(node) && isClock(node, values)) return true
    ts.forEachChild(node, (child) => void stack.push(child))
  }
  return false
}

function isClock(call: ts.CallExpression, values: Values): boolean {
  const target = values.of(call.expression)
  return (
    target.kind === 'global' &&
    ['Date.now', 'performance.now', 'process.hrtime', 'process.hrtime.bigint', 'process.uptime'].includes(target.path.join('.'))
  )
}
