import { ts } from '@ts-morph/common'
import type { Description, Place } from './description.ts'

/**
 * Reports a type that was written by name and came out as `any`: its import leads nowhere, it goes in circles, or it is more than the
 * compiler works out. `any` itself says that anything is fine.
 */
export function reportAny(type: ts.Type, declaration: ts.Node | undefined, place: Place, d: Description): void {
  // A name that nobody declared is known by it, and reported where it is described.
  if ((type.flags & ts.TypeFlags.Any) === 0 || type.aliasSymbol !== undefined || declaration === undefined) return
  const node = typeNodeOf(declaration)
  if (node === undefined || (!ts.isTypeReferenceNode(node) && !ts.isImportTypeNode(node))) return
  const symbol = ts.isTypeReferenceNode(node) ? d.checker.getSymbolAtLocation(node.typeName) : undefined
  if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0) return
  d.leaveOut(node.getText(), place, 'which is `any` or cannot be worked out')
}

function typeNodeOf(declaration: ts.Node): ts.Node | undefined {
  if (ts.isTypeNode(declaration)) return declaration
  const isTyped = ts.isParameter(declaration) || ts.isPropertySignature(declaration) || ts.isPropertyDeclaration(declaration)
  return isTyped ? (declaration.type ?? ts.getJSDocType(declaration)) : undefined
}
