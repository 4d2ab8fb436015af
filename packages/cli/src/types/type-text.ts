import { isRecord } from '@cordon/contracts'
import { commentOf } from './comment.ts'

type Schema = Readonly<Record<string, unknown>>

/** Which side of a function a type is for: a caller may give a `Date` or bytes, and gets the text that JSON has for them. */
export type Side = 'input' | 'output'

/** Where a schema is written: how its references are called. */
export interface TypeScope {
  readonly side: Side
  /** Name of the type for a reference; `undefined` when it leads nowhere that has one. */
  nameOf(reference: string): string | undefined
}

/** Deepest nesting that is written; a schema made of types has at most 60 levels. */
const maxDepth = 100

/** Writes a JSON Schema as a TypeScript type. What a type cannot say (patterns, ranges, conditions) is left out: the platform checks it. */
export function typeText(schema: unknown, scope: TypeScope, depth = 0): string {
  if (schema === false) return 'never'
  if (!isRecord(schema) || depth > maxDepth) return 'unknown'
  const inner = (one: unknown) => typeText(one, scope, depth + 1)
  if (typeof schema['$ref'] === 'string') return scope.nameOf(schema['$ref']) ?? 'unknown'
  if ('const' in schema) return literal(schema['const'])
  if (Array.isArray(schema['enum'])) return union(schema['enum'].map(literal))
  const parts: string[] = []
  for (const keyword of ['anyOf', 'oneOf']) {
    const alternatives = schema[keyword]
    if (Array.isArray(alternatives) && alternatives.length > 0) parts.push(union(alternatives.map(inner)))
  }
  if (Array.isArray(schema['allOf'])) parts.push(...schema['allOf'].map(inner))
  const known = parts.filter((part) => part !== 'unknown')
  if (known.length === 0) return basicText(schema, scope, depth)
  if (isRecord(schema['properties'])) known.unshift(objectText(schema, scope, depth))
  return known.length === 1 ? (known[0] ?? 'unknown') : `(${known.join(' & ')})`
}

function basicText(schema: Schema, scope: TypeScope, depth: number): string {
  const { type } = schema
  if (Array.isArray(type)) return union(type.map((one) => basicText({ ...schema, type: one }, scope, depth)))
  switch (type) {
    case 'string':
      return stringText(schema, scope.side)
    case 'number':
    case 'integer':
      return 'number'
    case 'boolean':
    case 'null':
      return type
    case 'array':
      return arrayText(schema, scope, depth)
    case 'object':
      return objectText(schema, scope, depth)
    default:
      if (isRecord(schema['properties'])) return objectText(schema, scope, depth)
      return isRecord(schema['not']) && Object.keys(schema['not']).length === 0 ? 'never' : 'unknown'
  }
}

function stringText({ format, contentEncoding }: Schema, side: Side): string {
  if (side === 'output') return 'string'
  if (format === 'date-time') return '(string | Date)'
  return contentEncoding === 'base64' ? '(string | Uint8Array)' : 'string'
}

function arrayText(schema: Schema, scope: TypeScope, depth: number): string {
  const { prefixItems, items, minItems, maxItems } = schema
  const rest = typeText(items, scope, depth + 1)
  if (!Array.isArray(prefixItems)) return `${rest}[]`
  const least = typeof minItems === 'number' ? minItems : 0
  const elements = prefixItems.map((one, index) => `${typeText(one, scope, depth + 1)}${index < least ? '' : '?'}`)
  const isClosed = items === false || maxItems === prefixItems.length
  return `[${[...elements, ...(isClosed ? [] : [`...${rest}[]`])].join(', ')}]`
}

function objectText(schema: Schema, scope: TypeScope, depth: number): string {
  const { properties, required, additionalProperties, patternProperties } = schema
  const inner = (one: unknown) => typeText(one, scope, depth + 1)
  const needed = new Set<unknown>(Array.isArray(required) ? required : [])
  const members = Object.entries(isRecord(properties) ? properties : {}).map(([name, one]) => {
    const comment = isRecord(one) && typeof one['description'] === 'string' ? commentOf(one['description']) : ''
    return `${comment}${JSON.stringify(name)}${needed.has(name) ? '' : '?'}: ${inner(one)}`
  })
  const others = [
    ...(isRecord(patternProperties) ? Object.values(patternProperties).map(inner) : []),
    ...(isRecord(additionalProperties) ? [inner(additionalProperties)] : []),
  ]
  const isOpen = others.length > 0 || (members.length === 0 && additionalProperties !== false)
  if (members.length === 0 && !isOpen) return '{ [key: string]: never }'
  // Named properties have to fit the signature for the others, so beside them it says nothing.
  if (isOpen) members.push(`[key: string]: ${members.length > 0 || others.length === 0 ? 'unknown' : union(others)}`)
  return `{ ${members.join('; ')} }`
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (isRecord(value))
    return `{ ${Object.entries(value)
      .map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`)
      .join('; ')} }`
  return JSON.stringify(value) ?? 'undefined'
}

function union(texts: readonly string[]): string {
  const unique = [...new Set(texts)]
  if (unique.includes('unknown')) return 'unknown'
  return unique.length === 1 ? (unique[0] ?? 'never') : unique.length === 0 ? 'never' : `(${unique.join(' | ')})`
}
