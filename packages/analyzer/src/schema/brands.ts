import { ts } from '@ts-morph/common'

const primitive =
  ts.TypeFlags.StringLike |
  ts.TypeFlags.NumberLike |
  ts.TypeFlags.BooleanLike |
  ts.TypeFlags.BigIntLike |
  ts.TypeFlags.ESSymbolLike |
  ts.TypeFlags.Null

/** The primitive of a branded one, any other type as it is. */
export function withoutBrand(type: ts.Type): ts.Type {
  return (type.isIntersection() ? type.types.find((one) => (one.flags & primitive) !== 0) : undefined) ?? type
}
