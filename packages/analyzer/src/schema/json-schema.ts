/** A JSON Schema, draft 2020-12, while it is made. */
export type JsonSchema = { [keyword: string]: unknown }

/** The dialect of every schema. */
export const dialect = 'https://json-schema.org/draft/2020-12/schema'

/** Thrown when types describe more than a schema may hold. The message completes "its type …". */
export class SchemaLimit extends Error {}

const mapKeywords = ['properties', 'patternProperties']
const listKeywords = ['anyOf', 'oneOf', 'prefixItems']
const singleKeywords = ['items', 'additionalProperties', 'not']

/** Copies a schema with each schema directly inside it replaced. Those under `$defs` are left out. */
export function mapSubschemas(schema: JsonSchema, replace: (inner: JsonSchema) => unknown): JsonSchema {
  return Object.fromEntries(Object.entries(schema).map(([keyword, value]) => [keyword, mapValue(keyword, value, replace)]))
}

function mapValue(keyword: string, value: unknown, replace: (inner: JsonSchema) => unknown): unknown {
  if (mapKeywords.includes(keyword) && isSchema(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, isSchema(inner) ? replace(inner) : inner]))
  if (listKeywords.includes(keyword) && Array.isArray(value)) return value.map((inner: unknown) => (isSchema(inner) ? replace(inner) : inner))
  return singleKeywords.includes(keyword) && isSchema(value) ? replace(value) : value
}

/** Whether a value is a schema that is an object. */
export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
