import { ts } from '@ts-morph/common'
import { findDefaultExport } from '../source/exports.ts'
import { propertyName } from '../source/syntax.ts'
import type { Rule } from './rule.ts'

/** The default export can be called: a function, or an object with a `fetch` method. */
export const handlerShape: Rule = {
  id: 'handler-shape',
  severity: 'error',
  summary: 'The default export is a function, or an object with a fetch method.',
  check({ source, isEntry, report }) {
    if (!isEntry) return
    const found = findDefaultExport(source.ast)
    if (found.kind !== 'local' || found.value === undefined) return
    const { value } = found
    if (ts.isClassDeclaration(value) || ts.isClassExpression(value)) {
      report(value.name ?? value, 'The default export is a class, which cannot be called. Export a function, or an object with a fetch method.')
    } else if (ts.isObjectLiteralExpression(value) && handlerKind(value) === 'none') {
      report(value, 'The default export is an object without a fetch method. Add `fetch(request)`, or export a function.')
    } else if (isPlainValue(value)) {
      report(value, 'The default export is a plain value, which cannot be called. Export a function, or an object with a fetch method.')
    }
  },
}

/** Which kind of handler a default export looks like; `none` for an object that surely has no `fetch`. */
export function handlerKind(value: ts.Node | undefined): 'json' | 'http' | 'unknown' | 'none' {
  if (value === undefined) return 'unknown'
  if (ts.isFunctionDeclaration(value) || ts.isFunctionExpression(value) || ts.isArrowFunction(value)) return 'json'
  if (isRouter(value)) return 'http'
  if (!ts.isObjectLiteralExpression(value)) return 'unknown'
  const names = value.properties.map((one) => (one.name === undefined ? undefined : propertyName(one.name)))
  if (names.includes('fetch')) return 'http'
  return names.includes(undefined) ? 'unknown' : 'none'
}

/** `new Hono()`, also with routes chained to it. */
function isRouter(value: ts.Node): boolean {
  let at = value
  while (ts.isCallExpression(at) && ts.isPropertyAccessExpression(at.expression)) at = at.expression.expression
  return ts.isNewExpression(at) && ts.isIdentifier(at.expression) && /^(?:Open[A-Z]\w*)?Hono$|^Elysia$/.test(at.expression.text)
}

function isPlainValue(value: ts.Node): boolean {
  return (
    ts.isStringLiteralLike(value) ||
    ts.isTemplateExpression(value) ||
    ts.isNumericLiteral(value) ||
    ts.isBigIntLiteral(value) ||
    ts.isRegularExpressionLiteral(value) ||
    ts.isArrayLiteralExpression(value) ||
    value.kind === ts.SyntaxKind.NullKeyword ||
    value.kind === ts.SyntaxKind.TrueKeyword ||
    value.kind === ts.SyntaxKind.FalseKeyword
  )
}
