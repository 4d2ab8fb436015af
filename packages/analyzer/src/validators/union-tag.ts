import { isSchema, type JsonSchema } from '../schema/json-schema.ts'

/** The property that tells the alternatives of a union apart. */
export interface UnionTag {
  readonly name: string
  /** The values that belong to each alternative; none is in two of them. */
  readonly values: readonly (readonly Primitive[])[]
}

type Primitive = string | number | boolean

/**
 * Finds the property that is required in each alternative, with values of its own in each: one look at it says which alternative
 * a value can only be. Holds for `anyOf` and `oneOf` alike, whoever wrote them.
 */
export function findUnionTag(alternatives: unknown, resolve: (reference: string) => unknown): UnionTag | undefined {
  if (!Array.isArray(alternatives) || alternatives.length < 2) return undefined
  const schemas = alternatives.map((one: unknown) => (isSchema(one) && typeof one['$ref'] === 'string' ? resolve(one['$ref']) : one))
  if (!schemas.every(isTagged)) return undefined
  for (const name of Object.keys(schemas[0]?.properties ?? {})) {
    const values = schemas.map(({ properties, required }) => (required.includes(name) ? literalsOf(properties[name]) : []))
    const all = values.flat()
    if (values.every((one) => one.length > 0) && new Set(all).size === all.length) return { name, values }
  }
  return undefined
}

function isTagged(schema: unknown): schema is JsonSchema & { properties: JsonSchema; required: unknown[] } {
  return isSchema(schema) && schema['type'] === 'object' && isSchema(schema['properties']) && Array.isArray(schema['required'])
}

function literalsOf(schema: unknown): Primitive[] {
  if (!isSchema(schema)) return []
  const values: unknown[] = Array.isArray(schema['enum']) ? schema['enum'] : [schema['const']]
  return values.every(isPrimitive) ? values : []
}

function isPrimitive(value: unknown): value is Primitive {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}
