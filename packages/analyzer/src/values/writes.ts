import { ts } from 'ts-morph'
import type { SourceText } from '../source/source-text.ts'

/** Where the names of a file are written after their declaration. */
export interface Writes {
  /** The one expression that is assigned, `many` when there are several or something other than `=`, `undefined` when there is none. */
  of(declaration: ts.Declaration): ts.Expression | 'many' | undefined
}

/** Finds every assignment to a name of the file. */
export function findWrites(source: SourceText, checker: ts.TypeChecker): Writes {
  const found = new Map<ts.Declaration, ts.Expression | 'many'>()

  function note(target: ts.Node, value: ts.Expression | 'many'): void {
    if (!ts.isIdentifier(target)) return
    const symbol = ts.isShorthandPropertyAssignment(target.parent)
      ? checker.getShorthandAssignmentValueSymbol(target.parent)
      : checker.getSymbolAtLocation(target)
    for (const declaration of symbol?.declarations ?? []) found.set(declaration, found.has(declaration) ? 'many' : value)
  }

  function noteTargets(pattern: ts.Node): void {
    if (ts.isIdentifier(pattern)) note(pattern, 'many')
    else ts.forEachChild(pattern, noteTargets)
  }

  const kinds = ts.SyntaxKind
  for (const node of source.nodesOf(kinds.BinaryExpression)) {
    if (!ts.isBinaryExpression(node) || node.operatorToken.kind < kinds.FirstAssignment || node.operatorToken.kind > kinds.LastAssignment) continue
    if (ts.isIdentifier(node.left)) note(node.left, node.operatorToken.kind === kinds.EqualsToken ? node.right : 'many')
    else if (ts.isObjectLiteralExpression(node.left) || ts.isArrayLiteralExpression(node.left)) noteTargets(node.left)
  }
  for (const node of source.nodesOf(kinds.PrefixUnaryExpression, kinds.PostfixUnaryExpression)) {
    if (!ts.isPrefixUnaryExpression(node) && !ts.isPostfixUnaryExpression(node)) continue
    if (node.operator === kinds.PlusPlusToken || node.operator === kinds.MinusMinusToken) note(node.operand, 'many')
  }
  for (const node of source.nodesOf(kinds.ForOfStatement, kinds.ForInStatement)) {
    if ((ts.isForOfStatement(node) || ts.isForInStatement(node)) && ts.isIdentifier(node.initializer)) note(node.initializer, 'many')
  }
  return { of: (declaration) => found.get(declaration) }
}
