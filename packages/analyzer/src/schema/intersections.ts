import type { ts } from '@ts-morph/common'
import { withoutBrand } from './brands.ts'
import type { Description, Place } from './description.ts'
import { withDocs } from './doc-tags.ts'
import type { JsonSchema } from './json-schema.ts'

/**
 * A brand: a primitive, a list or a `Date` together with objects whose members no value has (`string & { __brand: 'Id' }`). Described
 * as what it is without the brand. `undefined` for an intersection of objects, which is an object with the members of all.
 */
export function describeIntersection(type: ts.IntersectionType, place: Place, d: Description): JsonSchema | undefined {
  const unbranded = withoutBrand(type)
  const plain = unbranded === type ? type.types.find((one) => isSpecial(one, d.checker)) : unbranded
  return plain === undefined ? undefined : withDocs(d.describe(plain, place), type.aliasSymbol, d)
}

function isSpecial(type: ts.Type, checker: ts.TypeChecker): boolean {
  return checker.isArrayLikeType(type) || ['Date', 'Uint8Array', 'Buffer'].includes(type.symbol?.name ?? '')
}
