import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { SourceText } from '../source/source-text.ts'
import type { Values } from '../values/evaluate.ts'
import type { Rule } from './rule.ts'

/** Fewest hidden names that make a file unreadable, and their share of all members. Honest code looks a key up now and then; a tool that hides names does it for most of them. */
const fewest = 5
const share = 0.5
const mangledName = /\b_0x[\da-f]{4,}\b/

/** Names can be read. */
export const hiddenNames: Rule = {
  id: 'hidden-names',
  severity: 'error',
  summary: 'Members are named in the text: not most of them by calls with constants, and not as numbers, as tools that hide code do.',
  check({ source, values, report }) {
    const mangled = findMangled(source)
    if (mangled !== undefined) {
      report(
        mangled,
        'Names are replaced by numbers, as tools that hide code do, so what the code uses cannot be read. Deploy the code before it was obfuscated.',
      )
      return
    }
    const hidden = source
      .nodesOf(ts.SyntaxKind.ElementAccessExpression)
      .filter((node) => ts.isElementAccessExpression(node) && isHidden(node, values))
    const [first] = hidden
    if (first === undefined || hidden.length < fewest || hidden.length < share * (hidden.length + countPlain(source))) return
    report(
      { start: first.getStart(source.ast), length: first.getWidth(source.ast) },
      `The names of ${hidden.length} members are computed by calls, so what the code uses cannot be read. Deploy the code before it was obfuscated.`,
    )
  },
}

/** The first of several names like `_0x4f2a1c`: what obfuscators write, and minifiers, which want short names, do not. */
function findMangled(source: SourceText): ts.Identifier | undefined {
  if (!mangledName.test(source.text)) return undefined
  const names = source
    .nodesOf(ts.SyntaxKind.Identifier)
    .filter((node) => ts.isIdentifier(node))
    .filter(({ text }) => mangledName.test(text))
  return new Set(names.map(({ text }) => text)).size < fewest ? undefined : names[0]
}

/** `thing[decode(0x1a)]`: the key is a call with nothing but constants, whose result is unknown; also as part of a sum of texts. */
function isHidden(node: ts.ElementAccessExpression, values: Values): boolean {
  return isDecoded(node.argumentExpression, values)
}

function isDecoded(expression: ts.Expression, values: Values): boolean {
  const key = unwrap(expression)
  if (ts.isBinaryExpression(key) && key.operatorToken.kind === ts.SyntaxKind.PlusToken)
    return isDecoded(key.left, values) || isDecoded(key.right, values)
  if (!ts.isCallExpression(key) || key.arguments.length === 0 || values.of(key).kind !== 'unknown') return false
  return key.arguments.every((one) => values.of(one).kind === 'constant' || (ts.isBinaryExpression(one) && !hasText(one)))
}

/** Sums of texts are how ordinary code builds a key. */
function hasText(node: ts.BinaryExpression): boolean {
  return ts.isStringLiteralLike(node.left) || ts.isStringLiteralLike(node.right)
}

function countPlain(source: SourceText): number {
  return source.nodesOf(ts.SyntaxKind.PropertyAccessExpression).length
}
