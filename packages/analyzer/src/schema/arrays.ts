import { ts } from '@ts-morph/common'
import type { Description, Place } from './description.ts'
import type { JsonSchema } from './json-schema.ts'

/** `T[]`, `Array<T>`, `ReadonlyArray<T>`. */
export function describeArray(type: ts.Type, place: Place, d: Description): JsonSchema {
  const element = elementsOf(type, d.checker)[0]
  if (element === undefined) return { type: 'array' }
  return { type: 'array', ...items(element, place, d) }
}

/** A tuple; with a rest in the middle it cannot be described. */
export function describeTuple(type: ts.Type, place: Place, d: Description): JsonSchema {
  if (!isTuple(type)) return d.leaveOut(type, place)
  const { elementFlags, minLength } = type.target
  const elements = elementsOf(type, d.checker)
  const restAt = elementFlags.findIndex((flag) => (flag & ts.ElementFlags.Variable) !== 0)
  if (restAt >= 0 && (restAt < elements.length - 1 || ((elementFlags[restAt] ?? 0) & ts.ElementFlags.Rest) === 0)) return d.leaveOut(type, place)
  const fixed = restAt < 0 ? elements : elements.slice(0, restAt)
  const rest = elements[restAt]
  const prefixItems = fixed.map((element, index) => d.describe(element, { ...place, path: `${place.path}[${index}]`, depth: place.depth + 1 }))
  const schema: JsonSchema = {
    type: 'array',
    ...(prefixItems.length === 0 ? {} : { prefixItems }),
    ...(minLength === 0 ? {} : { minItems: minLength }),
  }
  return rest === undefined ? { ...schema, maxItems: fixed.length } : { ...schema, ...items(rest, place, d) }
}

function items(element: ts.Type, place: Place, d: Description): JsonSchema {
  const schema = d.describe(element, { ...place, path: `${place.path}[]`, depth: place.depth + 1 })
  return Object.keys(schema).length === 0 ? {} : { items: schema }
}

function elementsOf(type: ts.Type, checker: ts.TypeChecker): readonly ts.Type[] {
  return isReference(type) ? checker.getTypeArguments(type) : []
}

function isReference(type: ts.Type): type is ts.TypeReference {
  return (type.flags & ts.TypeFlags.Object) !== 0 && 'target' in type
}

function isTuple(type: ts.Type): type is ts.TupleTypeReference {
  return isReference(type) && (type.target.objectFlags & ts.ObjectFlags.Tuple) !== 0
}
