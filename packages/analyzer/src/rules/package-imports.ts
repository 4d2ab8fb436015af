import { ts } from 'ts-morph'
import type { RefusedImport } from '../bundle/bundle.ts'

/** A refused import inside a package. */
export interface PackageFinding {
  readonly rule: 'package-imports' | 'package-requires'
  readonly severity: 'error' | 'warn'
  readonly message: string
  readonly place: { readonly start: number; readonly length: number }
}

/**
 * Judges an import that a package makes. One that runs as soon as the package is loaded refuses the deployment: the package
 * is made for Node with all its rights. A `require` inside a function or a `try` may never run, and many packages that work
 * everywhere have one.
 */
export function judgePackageImport(refused: RefusedImport, text: string): PackageFinding {
  const ast = ts.createSourceFile(refused.file, text, ts.ScriptTarget.ESNext, true)
  const literal = findSpecifier(ast, refused.specifier)
  const place = literal === undefined ? { start: 0, length: 1 } : { start: literal.getStart(ast), length: literal.getWidth(ast) }
  const name = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(refused.file)?.[1] ?? refused.file
  if (literal !== undefined && mayNeverRun(literal)) {
    return {
      rule: 'package-requires',
      severity: 'warn',
      message: `The package ${name} uses "${refused.specifier}" in a part that may not run. ${refused.refusal}`,
      place,
    }
  }
  return {
    rule: 'package-imports',
    severity: 'error',
    message: `The package ${name} needs "${refused.specifier}" and cannot run in a function. ${refused.refusal}`,
    place,
  }
}

function findSpecifier(ast: ts.SourceFile, specifier: string): ts.Node | undefined {
  const found: ts.Node[] = []
  const stack: ts.Node[] = [ast]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (ts.isStringLiteralLike(node) && node.text === specifier && isSpecifier(node)) found.push(node)
    ts.forEachChild(node, (child) => void stack.push(child))
  }
  // The one that surely runs is the reason for a refusal.
  return found.find((node) => !mayNeverRun(node)) ?? found[0]
}

function isSpecifier(node: ts.StringLiteralLike): boolean {
  const { parent } = node
  return ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || (ts.isCallExpression(parent) && parent.arguments[0] === node)
}

function mayNeverRun(node: ts.Node): boolean {
  for (let at = node; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isFunctionLike(at) || ts.isTryStatement(at) || ts.isIfStatement(at) || ts.isConditionalExpression(at)) return true
    if (ts.isCallExpression(at) && at.expression.kind === ts.SyntaxKind.ImportKeyword) return true
  }
  return false
}
