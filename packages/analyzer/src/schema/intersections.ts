import { ts } from 'ts-morph'
import type { Description, Place } from './description.ts'
import type { JsonSchema } from './json-schema.ts'

const primitive =
  ts.TypeFlags.StringLike |
  ts.TypeFlags.NumberLike |
  ts.TypeFlags.BooleanLike |
  ts.TypeFlags.BigIntLike |
  ts.TypeFlags.ESSymbolLike |
  ts.TypeFlags.Null

/**
 * A brand: a primitive, a list or a `Date` together with objects whose members no value has (`string & { __brand: 'Id' }`). Described
 * as what it is without the brand. `undefined` for an intersection of objects, which is an object with the members of all.
 */
export function describeIntersection(type: ts.IntersectionType, place: Place, d: Description): JsonSchema | undefined {
  const branded = type.types.find((one) => (one.flags & primitive) !== 0 || isSpecial(one, d.checker))
  return branded === undefined ? undefined : d.describe(branded, place)
}

function isSpecial(type: ts.Type, checker: ts.TypeChecker): boolean {
  return checker.isArrayLikeType(type) || ['Date', 'Uint8Array', 'Buffer'].includes(type.symbol?.name ?? '')
}
