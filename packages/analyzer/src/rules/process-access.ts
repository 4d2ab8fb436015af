import { ts } from '@ts-morph/common'
import type { Values } from '../values/evaluate.ts'
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
  summary: 'Of process only env and harmless fields are used, by names that stand in the text.',
  check({ references, values, report }) {
    for (const { node, value } of references) {
      if (value.kind !== 'global' || value.path[0] !== 'process') continue
      const member = value.path[1]
      if (member !== undefined) {
        if (!harmless.has(member)) report(node, `process.${member} is not available to functions. ${instead.get(member) ?? 'Leave it out.'}`)
      } else if (ts.isElementAccessExpression(node.parent) && node.parent.expression === node) {
        report(node.parent, 'A computed member of process is used. Write the name of the field.')
      } else if (isCopied(node, values)) {
        report(node, 'All of process is copied or listed. Use process.env, or ctx.env.')
      }
    }
  },
}

/** `{ ...process }`, `const { ...all } = process`, `Object.values(process)`, `for (const key in process)` */
function isCopied(node: ts.Node, values: Values): boolean {
  const { parent } = node
  if (ts.isSpreadAssignment(parent) || ts.isForInStatement(parent)) return true
  if (ts.isVariableDeclaration(parent) && ts.isObjectBindingPattern(parent.name)) {
    return parent.name.elements.some(
      (one) => one.dotDotDotToken !== undefined || (one.propertyName !== undefined && isComputed(one.propertyName, values)),
    )
  }
  return ts.isCallExpression(parent) && /^(?:Object|Reflect)\./.test(values.callOf(parent)?.name ?? '') && values.of(parent).kind === 'unknown'
}

function isComputed(name: ts.PropertyName, values: Values): boolean {
  return ts.isComputedPropertyName(name) && values.of(name.expression).kind !== 'constant'
}
