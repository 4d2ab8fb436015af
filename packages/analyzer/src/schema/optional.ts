import { ts } from '@ts-morph/common'
import type { JsonSchema } from './json-schema.ts'

const nothing = ts.TypeFlags.Undefined | ts.TypeFlags.Void

/** Whether a value may be missing: `undefined` or `void`, alone or in a union. */
export function isOptional(type: ts.Type): boolean {
  return isNothing(type) || (type.isUnion() && type.types.some(isNothing))
}

/** Whether there never is a value. */
export function isNothing(type: ts.Type): boolean {
  return (type.flags & nothing) !== 0
}

/** Adds `null` to what a schema accepts. */
export function nullable(schema: JsonSchema): JsonSchema {
  if (Object.keys(schema).length === 0) return schema
  if ('const' in schema) return { enum: [schema['const'], null] }
  if (Array.isArray(schema['enum']) && schema['type'] === undefined) return { ...schema, enum: [...schema['enum'], null] }
  const { type } = schema
  if (type === 'string' || type === 'number' || type === 'boolean') return { ...schema, type: [type, 'null'] }
  if (Array.isArray(type)) return { ...schema, type: [...type, 'null'] }
  const { anyOf, ...rest } = schema
  if (Array.isArray(anyOf)) return { ...rest, anyOf: [...anyOf, { type: 'null' }] }
  return { anyOf: [schema, { type: 'null' }] }
}
