import { isRecord } from '@cordon/contracts'
import { safeMarkdown } from './markdown.ts'

type Schema = Readonly<Record<string, unknown>>

/** Keywords whose value is a map of schemas, a list of schemas, or a schema (JSON Schema 2020-12, applicator vocabularies). */
const maps = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
const lists = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems'])
const singles = new Set([
  ...['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames', 'unevaluatedItems', 'unevaluatedProperties'],
  'contentSchema',
])
/** Keywords whose value is no schema. Any other is left out: what a reader of the document makes of it is not known. */
const plain = new Set([
  ...['type', 'enum', 'const', 'multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern'],
  ...['maxItems', 'minItems', 'uniqueItems', 'maxContains', 'minContains', 'maxProperties', 'minProperties', 'required', 'dependentRequired'],
  ...['format', 'contentEncoding', 'contentMediaType', 'title', 'default', 'deprecated', 'readOnly', 'writeOnly', 'examples'],
])
/** Keywords that give a schema an address of its own: one in another document would be another schema. */
const addressing = ['$id', '$anchor', '$dynamicAnchor', '$dynamicRef']
/** Deepest nesting; a schema made of types has at most 60 levels. */
const maxDepth = 200

/** Thrown for a schema that cannot stand in another document. */
class Unmovable extends Error {}

/**
 * A JSON Schema as one of the schemas of a larger document: references lead to `address`, where it will stand, and keywords that
 * no reader knows are left out. `undefined` for a schema that cannot be moved.
 *
 * @param address JSON pointer as a URI fragment: `#/components/schemas/hello.input`
 * @param describe what becomes of descriptions
 */
export function moveSchema(schema: Schema, address: string, describe: (text: string) => string = safeMarkdown): Schema | undefined {
  try {
    return move(schema, { address, describe }, 0)
  } catch (error) {
    if (error instanceof Unmovable) return undefined
    throw error
  }
}

interface Move {
  readonly address: string
  readonly describe: (text: string) => string
}

function move(schema: Schema, to: Move, depth: number): Schema {
  if (depth > maxDepth || addressing.some((keyword) => Object.hasOwn(schema, keyword))) throw new Unmovable()
  const inner = (value: unknown): unknown => (isRecord(value) ? move(value, to, depth + 1) : value)
  const moved: [string, unknown][] = []
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === '$ref') moved.push([keyword, moveReference(value, to.address)])
    else if (keyword === 'description') {
      if (typeof value === 'string') moved.push([keyword, to.describe(value)])
    } else if (maps.has(keyword)) {
      if (isRecord(value)) moved.push([keyword, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inner(one)]))])
    } else if (lists.has(keyword)) {
      if (Array.isArray(value)) moved.push([keyword, value.map(inner)])
    } else if (singles.has(keyword)) moved.push([keyword, inner(value)])
    else if (plain.has(keyword)) moved.push([keyword, value])
  }
  return Object.fromEntries(moved)
}

function moveReference(value: unknown, address: string): string {
  if (value === '#') return address
  if (typeof value === 'string' && value.startsWith('#/')) return address + value.slice(1)
  throw new Unmovable()
}
