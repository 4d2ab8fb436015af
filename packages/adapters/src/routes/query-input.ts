import { isRecord } from '@cordon/contracts'

type Query = Readonly<Record<string, string | readonly string[]>>
type Schema = Readonly<Record<string, unknown>>

/** Steps through the schema for one query, a few milliseconds: the schema is the tenant's, the query a stranger's, and both wait for the host. */
const maxSteps = 100_000

/** A way through a schema. */
interface Search {
  readonly root: Schema
  stepsLeft: number
}

/** What a text may become. */
interface Readings {
  readonly isText: boolean
  readonly isBoolean: boolean
  readonly isNumber: boolean
  readonly literals: ReadonlySet<unknown>
}

/**
 * The query of a GET as the input of a function. A query knows only texts: where the schema takes no text there, one that reads as a number,
 * `true` or `false` becomes that, and a single value becomes a list of one. Anything else stays as it is, for the schema to refuse.
 */
export function queryInput(query: Query, schema: Schema | undefined): Readonly<Record<string, unknown>> {
  if (schema === undefined) return query
  const search: Search = { root: schema, stepsLeft: maxSteps }
  const properties = alternativesOf([schema], search).map((one) => one['properties'])
  const input: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const [name, value] of Object.entries(query)) {
    const named = take(properties, search).flatMap((one) => (Object.hasOwn(one, name) ? [one[name]] : []))
    input[name] = convert(value, alternativesOf(named, search), search)
  }
  return input
}

function convert(value: string | readonly string[], alternatives: readonly Schema[], search: Search): unknown {
  const lists = alternatives.filter((one) => hasType(one, 'array'))
  if (typeof value === 'string' && (lists.length === 0 || lists.length < alternatives.length)) return convertText(value, readingsOf(alternatives))
  const items = lists.map((one) => one['items'])
  const readings = readingsOf(alternativesOf(items, search))
  return (typeof value === 'string' ? [value] : value).map((one) => convertText(one, readings))
}

function convertText(text: string, { isText, isBoolean, isNumber, literals }: Readings): unknown {
  if (isText || literals.has(text)) return text
  if ((text === 'true' || text === 'false') && isBoolean) return text === 'true'
  // The numbers of JSON: `Number` takes an empty text, blanks and hexadecimal ones too.
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) && isNumber) return Number(text)
  return text
}

function readingsOf(alternatives: readonly Schema[]): Readings {
  const literals = new Set(alternatives.flatMap(literalsOf))
  const kinds = new Set(Array.from(literals, (literal) => typeof literal))
  const takes = (type: string): boolean => alternatives.some((one) => hasType(one, type))
  return {
    isText: takes('string'),
    isBoolean: takes('boolean') || kinds.has('boolean'),
    isNumber: takes('number') || takes('integer') || kinds.has('number'),
    literals,
  }
}

/** Schemas and what they refer to or offer to choose from, each once: references may lead back, or to one place on many ways. */
function alternativesOf(schemas: readonly unknown[], search: Search): Schema[] {
  const reached = new Set(take(schemas, search))
  const found: Schema[] = []
  // Grows while it is walked.
  for (const schema of reached) {
    const inner = [targetsOf(schema, search.root), schema['anyOf'], schema['oneOf']].flatMap((list) =>
      Array.isArray(list) ? take(list, search) : [],
    )
    for (const one of inner) reached.add(one)
    if (inner.length > 0 && !isRecord(schema['properties'])) continue
    found.push(schema)
    search.stepsLeft -= literalsOf(schema).length
  }
  return found
}

/** Those of the values that are schemas, as far as the steps last. */
function take(values: readonly unknown[], search: Search): Schema[] {
  const taken = values.slice(0, Math.max(0, search.stepsLeft))
  search.stepsLeft -= taken.length
  return taken.filter(isRecord)
}

function targetsOf({ $ref }: Schema, { $defs }: Schema): readonly unknown[] {
  const name = typeof $ref === 'string' && $ref.startsWith('#/$defs/') ? $ref.slice('#/$defs/'.length) : undefined
  return name !== undefined && isRecord($defs) && Object.hasOwn($defs, name) ? [$defs[name]] : []
}

function hasType(schema: Schema, type: string): boolean {
  const given = schema['type']
  return given === type || (Array.isArray(given) && given.includes(type))
}

function literalsOf(schema: Schema): readonly unknown[] {
  return Array.isArray(schema['enum']) ? schema['enum'] : 'const' in schema ? [schema['const']] : []
}
