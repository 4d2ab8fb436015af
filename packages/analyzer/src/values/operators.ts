import { ts } from '@ts-morph/common'
import { constant, unknown, type Value } from './value.ts'

type Constant = string | number | boolean | null | undefined

/** What an operator makes of two numbers. */
export function calculate(operator: ts.SyntaxKind, left: number, right: number): Value {
  switch (operator) {
    case ts.SyntaxKind.MinusToken:
      return constant(left - right)
    case ts.SyntaxKind.AsteriskToken:
      return constant(left * right)
    case ts.SyntaxKind.SlashToken:
      return constant(left / right)
    case ts.SyntaxKind.PercentToken:
      return constant(left % right)
    case ts.SyntaxKind.CaretToken:
      return constant(left ^ right)
    case ts.SyntaxKind.BarToken:
      return constant(left | right)
    case ts.SyntaxKind.AmpersandToken:
      return constant(left & right)
    case ts.SyntaxKind.AsteriskAsteriskToken:
      return constant(left ** right)
    case ts.SyntaxKind.LessThanLessThanToken:
      return constant(left << right)
    case ts.SyntaxKind.GreaterThanGreaterThanToken:
      return constant(left >> right)
    case ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken:
      return constant(left >>> right)
    default:
      return unknown
  }
}

/** What a comparison of two constants gives; `undefined` for other operators, and where the language would convert one of them. */
export function compare(operator: ts.SyntaxKind, left: Constant, right: Constant): boolean | undefined {
  const kinds = ts.SyntaxKind
  const isSameType = typeof left === typeof right
  if (operator === kinds.EqualsEqualsEqualsToken || (isSameType && operator === kinds.EqualsEqualsToken)) return left === right
  if (operator === kinds.ExclamationEqualsEqualsToken || (isSameType && operator === kinds.ExclamationEqualsToken)) return left !== right
  if (typeof left !== 'number' || typeof right !== 'number') return undefined
  if (operator === kinds.LessThanToken) return left < right
  if (operator === kinds.LessThanEqualsToken) return left <= right
  if (operator === kinds.GreaterThanToken) return left > right
  return operator === kinds.GreaterThanEqualsToken ? left >= right : undefined
}
