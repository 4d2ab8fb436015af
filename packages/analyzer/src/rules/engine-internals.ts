import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { Values } from '../values/evaluate.ts'
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

/** Members of built-in modules that show or change what is not the function's own: resources of the platform, loaded native code, what the process does. */
const moduleInternals: ReadonlySet<string> = new Set([
  'node:async_hooks.createHook',
  'node:async_hooks.executionAsyncResource',
  'node:crypto.setEngine',
  'node:crypto.setFips',
  'node:perf_hooks.PerformanceObserver',
  'PerformanceObserver',
])
/** Names under which Node and its fetch keep things of their own. */
const internalSymbols = /^(?:nodejs|undici)\./

const remedy = 'Use what the documentation offers.'

/** Built-in objects are used by what their documentation says. */
export const engineInternals: Rule = {
  id: 'engine-internals',
  severity: 'warn',
  summary:
    'No members in which Node or the engine keeps what is not for programs, such as _handle, callee, prepareStackTrace or symbols found by listing.',
  check({ source, values, references, checker, report }) {
    const kinds = ts.SyntaxKind
    for (const { node, value } of references) {
      const name = value.kind === 'global' ? value.path.join('.') : ''
      if (moduleInternals.has(name)) report(node, `${name.replace('node:', '')} shows or changes what is not the function's own. Leave it out.`)
    }
    for (const node of source.nodesOf(kinds.CallExpression, kinds.ElementAccessExpression)) {
      if (ts.isElementAccessExpression(node) && isListedSymbol(node.argumentExpression, values))
        report(node.argumentExpression, `A member is read by a symbol that was found by listing. ${remedy}`)
      const found = ts.isCallExpression(node) ? describeSearch(node, values, checker) : undefined
      if (found !== undefined) report(node, `${found}. ${remedy}`)
    }
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

/** `Object.getOwnPropertySymbols(timer)[0]`, and `Reflect.ownKeys(timer).at(-1)` */
function isListedSymbol(key: ts.Expression, values: Values): boolean {
  let at = unwrap(key)
  if (ts.isCallExpression(at) && isLister(at, values)) return false
  while (ts.isElementAccessExpression(at) || ts.isPropertyAccessExpression(at) || ts.isCallExpression(at)) {
    if (ts.isCallExpression(at) && isLister(at, values)) return true
    at = unwrap(at.expression)
  }
  return false
}

function isLister(call: ts.CallExpression, values: Values): boolean {
  const name = values.callOf(call)?.name
  return name === 'Object.getOwnPropertySymbols' || name === 'Reflect.ownKeys'
}

/** Calls that look for what Node keeps inside its objects. */
function describeSearch(call: ts.CallExpression, values: Values, checker: ts.TypeChecker): string | undefined {
  const called = values.callOf(call)
  const [first, second] = called?.given ?? []
  if (called?.name === 'Symbol.for') {
    const symbol = first === undefined ? undefined : keyOf(first)
    return symbol !== undefined && internalSymbols.test(symbol) ? `"${symbol}" is an inside of Node` : undefined
  }
  if (called?.name === 'node:util.inspect')
    return second?.kind === 'record' && (second.entries.has('showHidden') || second.entries.has('showProxy')) ? 'Hidden members are shown' : undefined
  const [argument] = call.arguments
  if (argument === undefined || !isLister(call, values)) return undefined
  const listed = unwrap(argument)
  const declared = ts.isIdentifier(listed) ? checker.getSymbolAtLocation(listed)?.valueDeclaration : undefined
  const made = declared !== undefined && ts.isVariableDeclaration(declared) ? declared.initializer : listed
  if (made !== undefined && ts.isNewExpression(made) && values.of(made.expression).kind === 'global')
    return 'Everything in an object of the platform is listed'
  return declared !== undefined && climbs(declared, values) ? 'Everything in a chain of prototypes is listed' : undefined
}

/** `for (let object = ctx; object; object = Object.getPrototypeOf(object))` */
function climbs(declared: ts.Declaration, values: Values): boolean {
  const loop = ts.isVariableDeclaration(declared) ? declared.parent.parent : undefined
  const step = loop !== undefined && ts.isForStatement(loop) ? loop.incrementor : undefined
  if (step === undefined || !ts.isBinaryExpression(step) || !ts.isCallExpression(step.right)) return false
  return /^(?:Object|Reflect)\.getPrototypeOf$/.test(values.callOf(step.right)?.name ?? '')
}
