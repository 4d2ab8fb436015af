import { ts } from 'ts-morph'
import type { Description, Place } from './description.ts'
import type { JsonSchema } from './json-schema.ts'

/** Most alternatives of a union that has more than literals. */
const maxAlternatives = 200

/** A union without `null` and `undefined`. */
export function describeUnion(union: ts.UnionType, place: Place, d: Description): JsonSchema {
  const literals: unknown[] = []
  const primitives: string[] = []
  const others: ts.Type[] = []
  for (const type of union.types) {
    if (type.isStringLiteral() || type.isNumberLiteral()) literals.push(type.value)
    else if ((type.flags & ts.TypeFlags.BooleanLiteral) !== 0) literals.push(d.checker.typeToString(type) === 'true')
    else if ((type.flags & ts.TypeFlags.String) !== 0) primitives.push('string')
    else if ((type.flags & ts.TypeFlags.Number) !== 0) primitives.push('number')
    else others.push(type)
  }
  if (others.length > maxAlternatives) return d.leaveOut(union, place, `which has more than ${maxAlternatives} alternatives`)
  // `boolean` comes as its two values.
  if (literals.includes(true) && literals.includes(false)) {
    literals.splice(0, literals.length, ...literals.filter((one) => typeof one !== 'boolean'))
    primitives.push('boolean')
  }
  const alternatives = describeOthers(others, place, d)
  // Literals come before what else may look like them, and a date before a text.
  const simple: JsonSchema[] = []
  if (literals.length > 0) simple.push(literals.length === 1 ? { const: literals[0] } : { enum: literals })
  if (primitives.length > 0) {
    const texts = primitives.includes('string') ? alternatives.filter((one) => d.revivals.has(one)) : []
    if (texts.length > 0 && d.side === 'input') {
      d.leaveOut(union, place, 'whose alternatives look the same in JSON: it arrives as a string')
      for (const one of texts) alternatives.splice(alternatives.indexOf(one), 1)
    }
    simple.push({ type: primitives.length === 1 ? primitives[0] : primitives })
  }
  const all = [...simple, ...alternatives]
  return all.length === 1 ? (all[0] ?? {}) : { anyOf: all }
}

function describeOthers(types: readonly ts.Type[], place: Place, d: Description): JsonSchema[] {
  const inner = { ...place, depth: place.depth + 1 }
  const objects = types.filter((one) => isPlainObject(one, d.checker))
  const tag = objects.length < 2 ? undefined : findTag(objects, d.checker)
  if (tag === undefined) return types.map((one) => d.describe(one, inner))
  const rest = types.filter((one) => !objects.includes(one))
  const oneOf = objects.map((one) => d.describe(one, inner))
  // Named beside the alternatives too, so that a wrong value is reported as one.
  const properties = { [tag]: { enum: tagValues(objects, tag, d.checker) } }
  return [{ type: 'object', properties, required: [tag], discriminator: { propertyName: tag }, oneOf }, ...rest.map((one) => d.describe(one, inner))]
}

/** The property that tells objects apart: a literal text in each, never the same. */
function findTag(objects: readonly ts.Type[], checker: ts.TypeChecker): string | undefined {
  return objects[0]?.getProperties().find(({ name }) => {
    const seen = new Set<string>()
    return objects.every((object) => {
      const property = object.getProperty(name)
      if (property === undefined || (property.flags & ts.SymbolFlags.Optional) !== 0) return false
      return literalsOf(property, checker).every((value) => value !== undefined && !seen.has(value) && seen.add(value))
    })
  })?.name
}

function tagValues(objects: readonly ts.Type[], tag: string, checker: ts.TypeChecker): (string | undefined)[] {
  return objects.flatMap((object) => {
    const property = object.getProperty(tag)
    return property === undefined ? [] : literalsOf(property, checker)
  })
}

/** The texts that a property may have; `undefined` for one that is no literal text. */
function literalsOf(property: ts.Symbol, checker: ts.TypeChecker): (string | undefined)[] {
  const type = checker.getTypeOfSymbol(property)
  return (type.isUnion() ? type.types : [type]).map((one) => (one.isStringLiteral() ? one.value : undefined))
}

function isPlainObject(type: ts.Type, checker: ts.TypeChecker): boolean {
  return (
    (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0 && !checker.isArrayLikeType(type) && type.getCallSignatures().length === 0
  )
}
