import { normaliseHost } from '@cordon/contracts'
import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { Values } from '../values/evaluate.ts'

/** Deepest chain of names and choices that is followed; a choice has two branches, so that it is 256 of them at most. */
const maxDepth = 8

/**
 * The hosts that an expression which is used as a URL can lead to; `undefined` stands for one that cannot be read from the code. A URL
 * without a host (a path) gives none.
 */
export function hostsOf(expression: ts.Expression, values: Values, checker: ts.TypeChecker, depth = 0): readonly (string | undefined)[] {
  const node = unwrap(expression)
  const known = values.of(node)
  if (known.kind === 'constant') return hostOfText(String(known.value), true)
  if (depth > maxDepth) return [undefined]
  const next = (one: ts.Expression) => hostsOf(one, values, checker, depth + 1)
  if (ts.isConditionalExpression(node)) return [...next(node.whenTrue), ...next(node.whenFalse)]
  if (ts.isNewExpression(node)) return hostsOfNew(node, values, next)
  if (ts.isPropertyAccessExpression(node) && node.name.text === 'href') return next(node.expression)
  if (ts.isCallExpression(node)) return hostsOfCall(node, values, next)
  if (ts.isTemplateExpression(node) || ts.isBinaryExpression(node)) {
    const text = beginningOf(node, values, checker, 0)
    return text === undefined ? [undefined] : hostOfText(text, false)
  }
  const initializer = ts.isIdentifier(node) ? initializerOf(node, checker) : undefined
  return initializer === undefined ? [undefined] : next(initializer)
}

/** True when a URL object is made from what stands in the text, so that it is meant to be used as it is. */
export function isLiteralUrl(node: ts.NewExpression | ts.CallExpression, values: Values): boolean {
  const [path, base] = node.arguments ?? []
  return path !== undefined && values.of(path).kind === 'constant' && (base === undefined || values.of(base).kind === 'constant')
}

type Next = (expression: ts.Expression) => readonly (string | undefined)[]

function hostsOfNew(node: ts.NewExpression, values: Values, next: Next): readonly (string | undefined)[] {
  const target = values.of(node.expression)
  const [path, base] = node.arguments ?? []
  const name = target.kind === 'global' ? target.path.join('.') : ''
  if ((name !== 'URL' && name !== 'Request') || path === undefined) return [undefined]
  if (name === 'Request' || base === undefined) return next(path)
  const own = values.of(path)
  // A whole URL leaves its base alone.
  return own.kind === 'constant' && /^[a-z][a-z\d+.-]*:/i.test(String(own.value)) ? next(path) : next(base)
}

function hostsOfCall(node: ts.CallExpression, values: Values, next: Next): readonly (string | undefined)[] {
  const callee = unwrap(node.expression)
  if (ts.isPropertyAccessExpression(callee) && callee.name.text === 'toString') return next(callee.expression)
  const target = values.of(callee)
  const [first] = node.arguments
  return target.kind === 'global' && target.path.join('.') === 'String' && first !== undefined ? next(first) : [undefined]
}

/** The text that an expression surely begins with. */
function beginningOf(expression: ts.Expression, values: Values, checker: ts.TypeChecker, depth: number): string | undefined {
  const node = unwrap(expression)
  const known = values.of(node)
  if (known.kind === 'constant') return String(known.value)
  if (depth > maxDepth) return undefined
  if (ts.isTemplateExpression(node)) {
    let text = node.head.text
    for (const span of node.templateSpans) {
      const value = values.of(span.expression)
      // Only a beginning without a literal head can follow its first part further: the rest begins somewhere in the middle.
      if (value.kind !== 'constant') return text === '' ? beginningOf(span.expression, values, checker, depth + 1) : text
      text += String(value.value) + span.literal.text
    }
    return text
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const left = values.of(node.left)
    if (left.kind !== 'constant') return beginningOf(node.left, values, checker, depth + 1)
    return String(left.value) + (beginningOf(node.right, values, checker, depth + 1) ?? '')
  }
  const initializer = ts.isIdentifier(node) ? initializerOf(node, checker) : undefined
  return initializer === undefined ? undefined : beginningOf(initializer, values, checker, depth + 1)
}

/** The initialiser of a name that is never written again. */
function initializerOf(name: ts.Identifier, checker: ts.TypeChecker): ts.Expression | undefined {
  const declaration = checker.getSymbolAtLocation(name)?.declarations?.[0]
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return undefined
  return (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) === 0 ? undefined : declaration.initializer
}

/** The host of a URL, or of the beginning of one. */
function hostOfText(text: string, isWhole: boolean): readonly (string | undefined)[] {
  const found = /^(?:https?|wss?):[/\\]{2}([^/?#\\]*)([/?#\\]?)/i.exec(text)
  if (found === null) return isWhole ? [] : [undefined]
  const [, authority = '', end = ''] = found
  const isComplete = isWhole || end !== ''
  // `'https://api.example.com' + path` means that host; `'https://api.' + region` is one that only begins so.
  if (!isComplete && !/^[^@:]+\.[^@:.]+$/.test(authority)) return [undefined]
  return [normaliseHost(authority.slice(authority.lastIndexOf('@') + 1))]
}
