import { ts } from '@ts-morph/common'
import type { SourceText } from '../source/source-text.ts'
import { isReturnThis, type Values } from '../values/evaluate.ts'
import type { Reference } from '../values/references.ts'
import type { Rule } from './rule.ts'

const remedy = 'Write the code out: what runs is what was analysed.'

/** Text is never turned into code. */
export const noEval: Rule = {
  id: 'no-eval',
  severity: 'error',
  summary: 'No eval, no Function constructor, and none of its siblings reached through a prototype.',
  check({ source, values, references, report }) {
    for (const reference of references) {
      const what = describe(reference, values)
      if (what !== undefined) report(reference.node, `${what}, which turns text into code. ${remedy}`)
    }
    for (const call of constructorCalls(source, values)) {
      if (!call.arguments.some((one) => isText(one, values))) continue
      report(call, `A constructor reached through "constructor" gets text: for a function it is Function, which turns text into code. ${remedy}`)
    }
  },
}

/** What `constructor` gives is not called: of a function it is `Function`. */
export const noConstructorCalls: Rule = {
  id: 'constructor-calls',
  severity: 'warn',
  summary: 'What "constructor" gives is not called without new: of a function it is Function.',
  check({ source, values, report }) {
    for (const call of constructorCalls(source, values)) {
      report(
        call,
        'A constructor reached through "constructor" is called: for a function it is Function, which turns text into code. Name the class.',
      )
    }
  },
}

/** Calls of what `.constructor` of something unknown gives. */
function constructorCalls(source: SourceText, values: Values): readonly ts.CallExpression[] {
  return source
    .nodesOf(ts.SyntaxKind.CallExpression)
    .filter((call) => ts.isCallExpression(call))
    .filter((call) => values.of(call.expression).kind === 'some-constructor')
}

function isText(argument: ts.Expression, values: Values): boolean {
  const value = values.of(argument)
  return ts.isTemplateExpression(argument) || (value.kind === 'constant' && typeof value.value === 'string')
}

function describe({ node, value, isHidden }: Reference, values: Values): string | undefined {
  if (value.kind === 'function-constructor') return 'This is the Function constructor'
  if (value.kind === 'some-constructor') return isHidden ? 'This is a hidden access to "constructor"' : undefined
  if (value.kind !== 'global') return undefined
  const [root, member, further] = value.path
  if (root === 'eval') return ts.isTypeOfExpression(node.parent) ? undefined : 'This is eval'
  if (root !== 'Function') return undefined
  // `Function.call.bind(method)` is a common way to take a method off its object; a call of it on Function itself names Function again.
  if (member !== undefined)
    return further === undefined && ['call', 'apply', 'bind', 'constructor'].includes(member) ? 'This is the Function constructor' : undefined
  if (ts.isCallExpression(node.parent) && node.parent.expression === node && isReturnThis(values.callOf(node.parent))) return undefined
  return isComparison(node) ? undefined : 'This is the Function constructor'
}

/** `value instanceof Function`, `type === Function` and `case Function:` only compare. */
function isComparison(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isTypeOfExpression(parent) || ts.isCaseClause(parent)) return true
  if (!ts.isBinaryExpression(parent)) return false
  const operator = parent.operatorToken.kind
  const kinds = ts.SyntaxKind
  return (
    operator === kinds.InstanceOfKeyword ||
    [kinds.EqualsEqualsEqualsToken, kinds.ExclamationEqualsEqualsToken, kinds.EqualsEqualsToken, kinds.ExclamationEqualsToken].includes(operator)
  )
}
