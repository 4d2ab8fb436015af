import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { SourceText } from '../source/source-text.ts'

/** What is assigned to a name: an expression, or a member of it when the assignment takes an object or a list apart. */
export type Written =
  | { readonly kind: 'value'; readonly value: ts.Expression }
  | { readonly kind: 'member'; readonly of: Written; readonly key: ts.PropertyName | number }
  /** Several assignments, or one whose value cannot be told. */
  | { readonly kind: 'many' }

/** Where the names of a file are written after their declaration. */
export interface Writes {
  /** What is assigned; `undefined` when nothing ever is. */
  of(declaration: ts.Declaration): Written | undefined
}

const many: Written = { kind: 'many' }

/** Finds every assignment to a name of the file. */
export function findWrites(source: SourceText, checker: ts.TypeChecker): Writes {
  const found = new Map<ts.Declaration, Written>()

  function note(target: ts.Expression, written: Written): void {
    const name = unwrap(target)
    if (ts.isIdentifier(name)) noteName(name, written)
    else if (ts.isObjectLiteralExpression(name)) noteObject(name, written)
    else if (ts.isArrayLiteralExpression(name)) noteList(name, written)
    // A default value: which of the two it is cannot be told.
    else if (ts.isBinaryExpression(name) && name.operatorToken.kind === ts.SyntaxKind.EqualsToken) note(name.left, many)
  }

  function noteName(name: ts.Identifier, written: Written): void {
    const symbol = ts.isShorthandPropertyAssignment(name.parent)
      ? checker.getShorthandAssignmentValueSymbol(name.parent)
      : checker.getSymbolAtLocation(name)
    for (const declaration of symbol?.declarations ?? []) found.set(declaration, found.has(declaration) ? many : written)
  }

  function noteObject(pattern: ts.ObjectLiteralExpression, of: Written): void {
    for (const property of pattern.properties) {
      if (ts.isPropertyAssignment(property)) note(property.initializer, memberOf(of, property.name))
      else if (ts.isShorthandPropertyAssignment(property)) {
        noteName(property.name, property.objectAssignmentInitializer === undefined ? memberOf(of, property.name) : many)
      } else if (ts.isSpreadAssignment(property)) note(property.expression, of)
    }
  }

  function noteList(pattern: ts.ArrayLiteralExpression, of: Written): void {
    for (const [index, element] of pattern.elements.entries()) {
      if (ts.isSpreadElement(element)) note(element.expression, many)
      else note(element, memberOf(of, index))
    }
  }

  const kinds = ts.SyntaxKind
  for (const node of source.nodesOf(kinds.BinaryExpression)) {
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind < kinds.FirstAssignment || node.operatorToken.kind > kinds.LastAssignment) continue
    note(node.left, node.operatorToken.kind === kinds.EqualsToken ? { kind: 'value', value: node.right } : many)
  }
  for (const node of source.nodesOf(kinds.PrefixUnaryExpression, kinds.PostfixUnaryExpression)) {
    if (!ts.isPrefixUnaryExpression(node) && !ts.isPostfixUnaryExpression(node)) continue
    if (node.operator === kinds.PlusPlusToken || node.operator === kinds.MinusMinusToken) note(node.operand, many)
  }
  for (const node of source.nodesOf(kinds.ForOfStatement, kinds.ForInStatement)) {
    if ((ts.isForOfStatement(node) || ts.isForInStatement(node)) && !ts.isVariableDeclarationList(node.initializer)) note(node.initializer, many)
  }
  return { of: (declaration) => found.get(declaration) }
}

function memberOf(of: Written, key: ts.PropertyName | number): Written {
  return of.kind === 'many' ? many : { kind: 'member', of, key }
}
