import { ts } from '@ts-morph/common'
import type { SourceText } from '../source/source-text.ts'
import type { Values } from '../values/evaluate.ts'
import type { Reference } from '../values/references.ts'
import { hostsOf, isLiteralUrl } from './url-hosts.ts'

/** A call that reaches a host; `undefined` for one that cannot be read from the code. */
export interface NetworkUse {
  readonly host: string | undefined
  readonly node: ts.Node
}

/** Globals that open connections. */
const openers: ReadonlySet<string> = new Set(['fetch', 'WebSocket', 'EventSource'])

/** Finds the hosts in the URLs of a file: those of `fetch` and its like, and of literal `URL` and `Request` objects. */
export function findNetworkUses(
  source: SourceText,
  { values, references, checker }: { values: Values; references: readonly Reference[]; checker: ts.TypeChecker },
): NetworkUse[] {
  const found: NetworkUse[] = []
  for (const call of source.nodesOf(ts.SyntaxKind.CallExpression, ts.SyntaxKind.NewExpression)) {
    if (!ts.isCallExpression(call) && !ts.isNewExpression(call)) continue
    const target = values.of(call.expression)
    const name = target.kind === 'global' ? target.path.join('.') : ''
    const [first] = call.arguments ?? []
    if (first === undefined) continue
    if (openers.has(name)) found.push(...hostsOf(first, values, checker).map((host) => ({ host, node: call })))
    else if (ts.isNewExpression(call) && (name === 'URL' || name === 'Request') && isLiteralUrl(call, values)) {
      found.push(...hostsOf(call, values, checker).flatMap((host) => (host === undefined ? [] : [{ host, node: call }])))
    }
  }
  for (const { node, value } of references) {
    if (value.kind === 'global' && openers.has(value.path[0] ?? '') && !isFollowed(node)) found.push({ host: undefined, node })
  }
  return found
}

/** True where the calls of an opener are seen: it is called, gets another name, or only its type is asked for. */
function isFollowed(node: ts.Node): boolean {
  let at = node
  while (ts.isParenthesizedExpression(at.parent) || ts.isNonNullExpression(at.parent) || ts.isAsExpression(at.parent)) at = at.parent
  const { parent } = at
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) return parent.expression === at
  if (ts.isBindingElement(at) || ts.isTypeOfExpression(parent)) return true
  if (ts.isVariableDeclaration(parent)) return parent.initializer === at
  // `fetch.call(…)` and the like hide the argument.
  return ts.isPropertyAccessExpression(parent) && parent.expression === at && !ts.isCallExpression(parent.parent)
}
