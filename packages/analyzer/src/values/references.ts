import { ts } from '@ts-morph/common'
import type { SourceText } from '../source/source-text.ts'
import { unwrap } from '../source/syntax.ts'
import { isTakenApart } from '../source/targets.ts'
import type { Values } from './evaluate.ts'
import type { Value } from './value.ts'

/** A place where a file takes hold of something global or of a constructor, in whatever spelling. */
export interface Reference {
  readonly node: ts.Node
  readonly value: Value
  /** Whether the last step was written so that a reader or a search does not see it: a computed key, or a call of `Reflect`. */
  readonly isHidden: boolean
}

/**
 * Finds the places where values that matter come into being: global names, members of them, and constructors. Only the
 * longest chain is given: `globalThis.process.env` is one reference. Uses of a name that holds such a value are no new
 * reference, but members of it are.
 */
export function findReferences(source: SourceText, values: Values): readonly Reference[] {
  const kinds = ts.SyntaxKind
  const nodes = source.nodesOf(
    kinds.Identifier,
    kinds.PropertyAccessExpression,
    kinds.ElementAccessExpression,
    kinds.CallExpression,
    kinds.BindingElement,
    kinds.ImportSpecifier,
  )
  return nodes.flatMap((node) => {
    const value = bornAt(node, values)
    if (value === undefined || !matters(value) || isStep(node, values)) return []
    return [{ node, value, isHidden: isHidden(node) }]
  })
}

function bornAt(node: ts.Node, values: Values): Value | undefined {
  if (ts.isIdentifier(node)) {
    if (isTakenApart(node)) return values.of(node)
    return isExpressionName(node) && values.isGlobalName(node) ? values.of(node) : undefined
  }
  if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) return values.of(node)
  if (ts.isBindingElement(node)) return ts.isIdentifier(node.name) ? values.ofBinding(node) : undefined
  if (ts.isImportSpecifier(node)) return values.of(node.name)
  if (!ts.isCallExpression(node)) return undefined
  const callee = unwrap(node.expression)
  // `f.bind(x)` is `f` again, and `f` itself was already seen.
  if (ts.isPropertyAccessExpression(callee) && callee.name.text === 'bind') return undefined
  return values.of(node)
}

function matters(value: Value): boolean {
  return value.kind === 'global' || value.kind === 'function-constructor' || value.kind === 'some-constructor'
}

/** True for the base of a longer chain that is itself a reference. */
function isStep(node: ts.Node, values: Values): boolean {
  let at = node
  while (
    ts.isParenthesizedExpression(at.parent) ||
    ts.isNonNullExpression(at.parent) ||
    ts.isAsExpression(at.parent) ||
    ts.isSatisfiesExpression(at.parent)
  )
    at = at.parent
  const { parent } = at
  const isBase = (ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent)) && parent.expression === at
  return isBase && matters(values.of(parent))
}

function isHidden(node: ts.Node): boolean {
  if (ts.isElementAccessExpression(node)) return !ts.isStringLiteralLike(unwrap(node.argumentExpression))
  if (ts.isBindingElement(node)) return node.propertyName !== undefined && ts.isComputedPropertyName(node.propertyName)
  return ts.isCallExpression(node)
}

/** True for an identifier that is read as a value, and is no name of a property, a declaration or a label. */
function isExpressionName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent) || ts.isQualifiedName(parent) || ts.isMetaProperty(parent))
    return !('name' in parent && parent.name === node)
  if (ts.isShorthandPropertyAssignment(parent)) return parent.name === node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  if (ts.isBindingElement(parent)) return parent.initializer === node
  if (ts.isVariableDeclaration(parent) || ts.isParameter(parent) || ts.isPropertyDeclaration(parent) || ts.isEnumMember(parent))
    return parent.initializer === node
  if (
    ts.isExportSpecifier(parent) ||
    ts.isImportSpecifier(parent) ||
    ts.isImportClause(parent) ||
    ts.isNamespaceImport(parent) ||
    ts.isNamespaceExport(parent)
  )
    return false
  if (ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent) || ts.isJsxAttribute(parent)) return false
  if (ts.isFunctionLike(parent) || ts.isClassLike(parent) || ts.isModuleDeclaration(parent) || ts.isEnumDeclaration(parent))
    return !('name' in parent && parent.name === node)
  return !ts.isImportEqualsDeclaration(parent) && (ts.isExpressionWithTypeArguments(parent) || !ts.isTypeNode(parent))
}
