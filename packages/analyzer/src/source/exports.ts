import { ts } from '@ts-morph/common'
import { unwrap } from './syntax.ts'

/** A local declaration that an export names. */
export type LocalDeclaration =
  | {
      readonly kind: 'value'
      readonly statement: ts.Statement
      readonly value: ts.Expression | ts.FunctionDeclaration | ts.ClassDeclaration | undefined
    }
  | { readonly kind: 'import'; readonly statement: ts.Statement }

/** What the entry file exports as its default. */
export type DefaultExport =
  | { readonly kind: 'none' }
  /** `export { default } from './other'` */
  | { readonly kind: 're-export'; readonly statement: ts.Statement }
  | {
      readonly kind: 'local'
      /** The statement that exports. */
      readonly statement: ts.Statement
      /** The declaration that it names, when it names one. */
      readonly declaration: LocalDeclaration | undefined
      /** The exported value, followed through a name; `undefined` when it comes from another file or cannot be seen. */
      readonly value: ts.Expression | ts.FunctionDeclaration | ts.ClassDeclaration | undefined
    }

/** Finds the default export of a file: ES modules, `module.exports =`, and compiled TypeScript (`exports.default =`). */
export function findDefaultExport(ast: ts.SourceFile): DefaultExport {
  let common: DefaultExport = { kind: 'none' }
  for (const statement of ast.statements) {
    if (ts.isExportAssignment(statement)) return exported(ast, statement, statement.expression)
    if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && isDefault(statement)) {
      return { kind: 'local', statement, declaration: undefined, value: statement }
    }
    if (ts.isExportDeclaration(statement) && statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause)) {
      const element = statement.exportClause.elements.find((one) => one.name.text === 'default' && !one.isTypeOnly)
      if (element === undefined || statement.isTypeOnly) continue
      if (statement.moduleSpecifier !== undefined) return { kind: 're-export', statement }
      const declaration = findDeclaration(ast, (element.propertyName ?? element.name).text)
      return { kind: 'local', statement, declaration, value: declaration?.kind === 'value' ? declaration.value : undefined }
    }
    const assigned = ts.isExpressionStatement(statement) ? commonJsDefault(statement.expression) : undefined
    if (assigned !== undefined) common = exported(ast, statement, assigned)
  }
  return common
}

/** Finds `export const config = …`, `export { config }` and `exports.config = …`. */
export function findConfigExport(ast: ts.SourceFile): { readonly node: ts.Node; readonly value: ts.Expression | undefined } | undefined {
  for (const statement of ast.statements) {
    if (ts.isVariableStatement(statement) && statement.modifiers?.some((one) => one.kind === ts.SyntaxKind.ExportKeyword) === true) {
      const found = statement.declarationList.declarations.find((one) => ts.isIdentifier(one.name) && one.name.text === 'config')
      if (found !== undefined) return { node: found, value: isConstant(statement) ? found.initializer : undefined }
    }
    if (
      ts.isExportDeclaration(statement) &&
      !statement.isTypeOnly &&
      statement.exportClause !== undefined &&
      ts.isNamedExports(statement.exportClause)
    ) {
      const element = statement.exportClause.elements.find((one) => one.name.text === 'config' && !one.isTypeOnly)
      if (element === undefined) continue
      const local = statement.moduleSpecifier === undefined ? findDeclaration(ast, (element.propertyName ?? element.name).text) : undefined
      if (local?.kind !== 'value' || !ts.isVariableStatement(local.statement) || !isConstant(local.statement))
        return { node: element, value: undefined }
      return { node: element, value: local.value !== undefined && ts.isExpression(local.value) ? local.value : undefined }
    }
    if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name?.text === 'config' && isExported(statement)) {
      return { node: statement.name, value: undefined }
    }
    const assigned = ts.isExpressionStatement(statement) ? commonJsNamed(statement.expression, 'config') : undefined
    if (assigned !== undefined) return { node: statement, value: assigned }
  }
  return undefined
}

/** Finds a declaration at the top of a file by name. */
function findDeclaration(ast: ts.SourceFile, name: string): LocalDeclaration | undefined {
  for (const statement of ast.statements) {
    if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name?.text === name) {
      // An overload signature has no body; the implementation follows it and carries the documentation that counts.
      if (ts.isFunctionDeclaration(statement) && statement.body === undefined) continue
      return { kind: 'value', statement, value: statement }
    }
    if (ts.isVariableStatement(statement)) {
      const found = statement.declarationList.declarations.find((one) => ts.isIdentifier(one.name) && one.name.text === name)
      if (found !== undefined) return { kind: 'value', statement, value: found.initializer === undefined ? undefined : unwrap(found.initializer) }
    }
    if (ts.isImportDeclaration(statement) && importedNames(statement).includes(name)) return { kind: 'import', statement }
  }
  return undefined
}

function exported(ast: ts.SourceFile, statement: ts.Statement, expression: ts.Expression): DefaultExport {
  const value = unwrap(expression)
  if (!ts.isIdentifier(value)) return { kind: 'local', statement, declaration: undefined, value }
  const declaration = findDeclaration(ast, value.text)
  if (declaration === undefined) return { kind: 'local', statement, declaration, value }
  return { kind: 'local', statement, declaration, value: declaration.kind === 'value' ? declaration.value : undefined }
}

function commonJsDefault(expression: ts.Expression): ts.Expression | undefined {
  if (!ts.isBinaryExpression(expression) || expression.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return undefined
  const target = expression.left.getText().replaceAll(/\s/g, '')
  if (!['module.exports', 'exports.default', 'module.exports.default', 'exports=module.exports'].includes(target)) return undefined
  // `exports.default = void 0` comes first in compiled TypeScript; the assignment that counts is a later one.
  if (ts.isVoidExpression(expression.right)) return undefined
  return isNestedAssignment(expression.right) ? expression.right.right : expression.right
}

function commonJsNamed(expression: ts.Expression, name: string): ts.Expression | undefined {
  if (!ts.isBinaryExpression(expression) || expression.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return undefined
  const target = expression.left.getText().replaceAll(/\s/g, '')
  if (target !== `exports.${name}` && target !== `module.exports.${name}`) return undefined
  return ts.isVoidExpression(expression.right) ? undefined : expression.right
}

function isNestedAssignment(expression: ts.Expression): expression is ts.BinaryExpression {
  return ts.isBinaryExpression(expression) && expression.operatorToken.kind === ts.SyntaxKind.EqualsToken
}

function isDefault(node: ts.FunctionDeclaration | ts.ClassDeclaration): boolean {
  return node.modifiers?.some((one) => one.kind === ts.SyntaxKind.DefaultKeyword) === true
}

function isExported(node: ts.FunctionDeclaration | ts.ClassDeclaration): boolean {
  return node.modifiers?.some((one) => one.kind === ts.SyntaxKind.ExportKeyword) === true
}

function isConstant(statement: ts.VariableStatement): boolean {
  return (statement.declarationList.flags & ts.NodeFlags.Const) !== 0
}

function importedNames(statement: ts.ImportDeclaration): string[] {
  const clause = statement.importClause
  if (clause === undefined) return []
  const bindings = clause.namedBindings
  const named = bindings === undefined ? [] : ts.isNamespaceImport(bindings) ? [bindings.name.text] : bindings.elements.map((one) => one.name.text)
  return clause.name === undefined ? named : [clause.name.text, ...named]
}
