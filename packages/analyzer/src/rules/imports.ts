import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { Rule } from './rule.ts'

/** Imports lead to files of the upload, allowed packages and built-ins that need no authority. */
export const imports: Rule = {
  id: 'imports',
  severity: 'error',
  summary: 'Imports lead to files of the upload, allowed packages and the pure Node built-ins; each refusal names what to use instead.',
  check({ source, refused, report }) {
    if (refused.length === 0) return
    const refusals = new Map(refused.map((one) => [one.specifier, one.refusal]))
    const reported = new Set<string>()
    for (const literal of source.nodesOf(ts.SyntaxKind.StringLiteral, ts.SyntaxKind.NoSubstitutionTemplateLiteral)) {
      if (!ts.isStringLiteralLike(literal) || !isSpecifier(literal)) continue
      const refusal = refusals.get(literal.text)
      if (refusal === undefined) continue
      reported.add(literal.text)
      report(literal, refusal)
    }
    // An import that the compiler adds (the JSX runtime) stands nowhere in the text.
    for (const [specifier, refusal] of refusals) if (!reported.has(specifier)) report({ start: 0, length: 1 }, refusal)
  },
}

/** Imports name their module, so that everything a function loads is known when it is deployed. */
export const literalImports: Rule = {
  id: 'literal-imports',
  severity: 'error',
  summary: 'import() and require() have a string literal as their argument.',
  check({ source, values, report }) {
    for (const call of source.nodesOf(ts.SyntaxKind.CallExpression)) {
      if (!ts.isCallExpression(call)) continue
      const callee = unwrap(call.expression)
      const isImport = callee.kind === ts.SyntaxKind.ImportKeyword
      if (!isImport && !(ts.isIdentifier(callee) && callee.text === 'require' && values.isGlobalName(callee))) continue
      const specifier = call.arguments[0]
      if (specifier === undefined || ts.isStringLiteralLike(specifier)) continue
      report(
        call,
        `The argument of ${isImport ? 'import()' : 'require()'} is computed, and a function is bundled before it runs. Write the name of the module as a string.`,
      )
    }
  },
}

function isSpecifier(literal: ts.StringLiteralLike): boolean {
  const { parent } = literal
  if (ts.isImportDeclaration(parent)) return parent.importClause?.isTypeOnly !== true
  if (ts.isExportDeclaration(parent)) return !parent.isTypeOnly
  if (ts.isExternalModuleReference(parent)) return true
  if (!ts.isCallExpression(parent) || parent.arguments[0] !== literal) return false
  return parent.expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(parent.expression) && parent.expression.text === 'require')
}
