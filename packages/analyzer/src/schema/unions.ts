import { ts } from '@ts-morph/common'
import type { Description, Place } from './description.ts'
import { withoutBrand } from './brands.ts'
import type { JsonSchema } from './json-schema.ts'

/** Most alternatives of a union that has more than literals. */
const maxAlternatives = 200

/** A union without `null` and `undefined`. */
export function describeUnion(union: ts.UnionType, place: Place, d: Description): JsonSchema {
  const values: unknown[] = []
  const primitives: string[] = []
  const others: ts.Type[] = []
  for (const type of union.types.map(withoutBrand)) {
    const value = literalOf(type, d.checker)
    if (value !== undefined) values.push(value)
    else if ((type.flags & ts.TypeFlags.String) !== 0) primitives.push('string')
    else if ((type.flags & ts.TypeFlags.Number) !== 0) primitives.push('number')
    else others.push(type)
  }
  if (others.length > maxAlternatives) return d.leaveOut(union, place, `which has more than ${maxAlternatives} alternatives`)
  // `boolean` comes as its two values.
  if (values.includes(true) && values.includes(false)) {
    values.splice(0, values.length, ...values.filter((one) => typeof one !== 'boolean'))
    primitives.push('boolean')
  }
  const alternatives = describeOthers(others, place, d)
  // Literals come before what else may look like them, and a date before a text.
  const simple: JsonSchema[] = []
  if (values.length > 0) simple.push(literals(values))
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
  const described = describeObjects(objects, inner, d)
  // As one schema they come first, otherwise each where it stands.
  const together = described.length < objects.length ? described : []
  const others = types.filter((one) => together.length === 0 || !objects.includes(one))
  return [...together, ...others.map((one) => described[objects.indexOf(one)] ?? d.describe(one, inner))]
}

/** Objects as alternatives; as one schema where a property tells them apart. Those that share its value are a union of their own. */
function describeObjects(objects: readonly ts.Type[], place: Place, d: Description): JsonSchema[] {
  const tag = findTag(objects, d.checker)
  if (tag === undefined) return objects.map((one) => d.describe(one, place))
  const oneOf = tag.groups.map(({ types, values }) => {
    const [first, ...others] = describeObjects(types, place, d)
    if (types.length === 1) return first
    const common = { type: 'object', properties: { [tag.name]: literals(values) }, required: [tag.name] }
    return others.length === 0 ? { ...first, ...common } : { ...common, anyOf: [first, ...others] }
  })
  // OpenAPI knows texts only.
  const isText = tag.groups.every(({ values }) => values.every((one) => typeof one === 'string'))
  return [{ type: 'object', ...(isText ? { discriminator: { propertyName: tag.name } } : {}), oneOf }]
}

function literals(values: readonly unknown[]): JsonSchema {
  return values.length === 1 ? { const: values[0] } : { enum: values }
}

interface Tag {
  readonly name: string
  readonly groups: readonly { readonly types: ts.Type[]; readonly values: readonly unknown[] }[]
}

/** The property that tells most objects apart: literals in each, and no value in two groups of them. */
function findTag(objects: readonly ts.Type[], checker: ts.TypeChecker): Tag | undefined {
  const names = objects.length < 2 ? [] : (objects[0]?.getProperties() ?? []).map(({ name }) => name)
  const tags = names.flatMap((name): Tag[] => {
    const groups = new Map<string, { types: ts.Type[]; values: readonly unknown[] }>()
    for (const type of objects) {
      const values = literalsOf(type.getProperty(name), checker)
      if (values === undefined) return []
      const key = JSON.stringify(values)
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { types: [type], values })
      else group.types.push(type)
    }
    const all = [...groups.values()].flatMap(({ values }) => values)
    return groups.size > 1 && new Set(all).size === all.length ? [{ name, groups: [...groups.values()] }] : []
  })
  return tags.toSorted((a, b) => b.groups.length - a.groups.length)[0]
}

/** The values of a property that always has one of some literals. */
function literalsOf(property: ts.Symbol | undefined, checker: ts.TypeChecker): unknown[] | undefined {
  if (property === undefined || (property.flags & ts.SymbolFlags.Optional) !== 0) return undefined
  const type = checker.getTypeOfSymbol(property)
  const values = (type.isUnion() ? type.types : [type]).map((one) => literalOf(one, checker))
  return values.every((one) => one !== undefined) ? values : undefined
}

function literalOf(type: ts.Type, checker: ts.TypeChecker): string | number | boolean | undefined {
  if (type.isStringLiteral() || type.isNumberLiteral()) return type.value
  return (type.flags & ts.TypeFlags.BooleanLiteral) === 0 ? undefined : checker.typeToString(type) === 'true'
}

function isPlainObject(type: ts.Type, checker: ts.TypeChecker): boolean {
  return (
    (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0 && !checker.isArrayLikeType(type) && type.getCallSignatures().length === 0
  )
}
