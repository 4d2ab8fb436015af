import { isRecord } from '@cordon/contracts'

type Query = Readonly<Record<string, string | readonly string[]>>
type Schema = Readonly<Record<string, unknown>>

/** Deepest reference that is followed; a schema may refer to itself. */
const maxDepth = 10

/**
 * The query of a GET as the input of a function. A query knows only texts: where the schema takes no text there, one that reads as a number,
 * `true` or `false` becomes that, and a single value becomes a list of one. Anything else stays as it is, for the schema to refuse.
 */
export function queryInput(query: Query, schema: Schema | undefined): Readonly<Record<string, unknown>> {
  if (schema === undefined) return query
  const properties = alternativesOf(schema, schema).flatMap((one) => (isRecord(one['properties']) ? [one['properties']] : []))
  const input: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [name, value] of Object.entries(query)) {
    const alternatives = properties.flatMap((one) => {
      const property = Object.hasOwn(one, name) ? one[name] : undefined
      return isRecord(property) ? alternativesOf(property, schema) : []
    })
    input[name] = convert(value, alternatives, schema)
  }
  return input
}

function convert(value: string | readonly string[], alternatives: readonly Schema[], root: Schema): unknown {
  const lists = alternatives.filter((one) => hasType(one, 'array'))
  if (typeof value !== 'string' || (lists.length > 0 && lists.length === alternatives.length)) {
    const items = lists.flatMap((one) => (isRecord(one['items']) ? alternativesOf(one['items'], root) : []))
    return (typeof value === 'string' ? [value] : value).map((one) => convertText(one, items))
  }
  return convertText(value, alternatives)
}

function convertText(text: string, alternatives: readonly Schema[]): unknown {
  if (alternatives.some((one) => hasType(one, 'string') || literalsOf(one).includes(text))) return text
  const takes = (type: string) => alternatives.some((one) => hasType(one, type) || literalsOf(one).some((literal) => typeof literal === type))
  if ((text === 'true' || text === 'false') && takes('boolean')) return text === 'true'
  // The numbers of JSON: `Number` takes an empty text, blanks and hexadecimal ones too.
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) && (takes('number') || takes('integer'))) return Number(text)
  return text
}

/** A schema and what it refers to or offers to choose from. */
function alternativesOf(schema: Schema, root: Schema, depth = 0): Schema[] {
  if (depth > maxDepth) return []
  const { $ref, anyOf, oneOf } = schema
  const target =
    typeof $ref === 'string' && isRecord(root['$defs']) && $ref.startsWith('#/$defs/') ? root['$defs'][$ref.slice('#/$defs/'.length)] : undefined
  const inner = [target, ...(Array.isArray(anyOf) ? anyOf : []), ...(Array.isArray(oneOf) ? oneOf : [])]
  const found = inner.filter(isRecord).flatMap((one) => alternativesOf(one, root, depth + 1))
  return found.length === 0 || isRecord(schema['properties']) ? [schema, ...found] : found
}

function hasType(schema: Schema, type: string): boolean {
  const given = schema['type']
  return given === type || (Array.isArray(given) && given.includes(type))
}

function literalsOf(schema: Schema): readonly unknown[] {
  return Array.isArray(schema['enum']) ? schema['enum'] : 'const' in schema ? [schema['const']] : []
}
