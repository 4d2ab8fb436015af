import { ts } from 'ts-morph'
import type { Rule } from './rule.ts'

/** Fields of `process` that give no authority. */
const harmless: ReadonlySet<string> = new Set([
  'env',
  'version',
  'versions',
  'platform',
  'arch',
  'release',
  'title',
  'pid',
  'argv',
  'cwd',
  'browser',
  'exitCode',
  'nextTick',
  'hrtime',
  'uptime',
  'memoryUsage',
  'cpuUsage',
  'emitWarning',
  'on',
  'once',
  'off',
  'addListener',
  'removeListener',
  'features',
])

const instead: ReadonlyMap<string, string> = new Map([
  ['exit', 'Return a value or throw an error.'],
  ['reallyExit', 'Return a value or throw an error.'],
  ['abort', 'Throw an error.'],
  ['stdout', 'Use console.log or ctx.log.'],
  ['stderr', 'Use console.error or ctx.log.'],
  ['stdin', 'Read the input of the handler.'],
  ['getBuiltinModule', 'Import the module.'],
])

/** `process` is an environment and a clock, nothing more. */
export const processAccess: Rule = {
  id: 'process-access',
  severity: 'error',
  summary: 'Of process only env and harmless fields are used.',
  check({ references, report }) {
    for (const { node, value } of references) {
      if (value.kind !== 'global' || value.path[0] !== 'process') continue
      const member = value.path[1]
      if (member !== undefined) {
        if (!harmless.has(member)) report(node, `process.${member} is not available to functions. ${instead.get(member) ?? 'Leave it out.'}`)
      } else if (ts.isElementAccessExpression(node.parent) && node.parent.expression === node) {
        report(node.parent, 'A computed member of process is used. Write the name of the field.')
      } else if (!isQuestion(node) && !isHarmlessPattern(node)) {
        report(node, 'process is used as a value, which would give all of it away. Use process.env, or ctx.env.')
      }
    }
  },
}

/** `typeof process`, `process && …`, `if (process)` only ask whether it is there. */
function isQuestion(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isTypeOfExpression(parent) || ts.isPrefixUnaryExpression(parent)) return true
  if ((ts.isIfStatement(parent) || ts.isConditionalExpression(parent)) && 'kind' in parent) {
    return ts.isIfStatement(parent) ? parent.expression === node : parent.condition === node
  }
  if (!ts.isBinaryExpression(parent)) return false
  const kinds = ts.SyntaxKind
  const operator = parent.operatorToken.kind
  if (operator === kinds.AmpersandAmpersandToken) return parent.left === node
  return [kinds.EqualsEqualsEqualsToken, kinds.ExclamationEqualsEqualsToken, kinds.EqualsEqualsToken, kinds.ExclamationEqualsToken].includes(operator)
}

/** `const { env } = process`: the members are references of their own. */
function isHarmlessPattern(node: ts.Node): boolean {
  if (ts.isBindingElement(node)) return ts.isObjectBindingPattern(node.name)
  const { parent } = node
  if (!ts.isVariableDeclaration(parent) || !ts.isObjectBindingPattern(parent.name)) return false
  return parent.name.elements.every(
    (one) => one.dotDotDotToken === undefined && (one.propertyName === undefined || !ts.isComputedPropertyName(one.propertyName)),
  )
}
