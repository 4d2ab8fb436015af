import type { ts } from '@ts-morph/common'
import type { Definitions } from './definitions.ts'
import type { JsonSchema } from './json-schema.ts'

/** What a value is turned into when it comes out of JSON. */
export type Revival = 'date' | 'bytes' | 'buffer'

/** Where a type stands. */
export interface Place {
  /** As messages name it: `input.user.tags[]`. */
  readonly path: string
  /** What a diagnostic points at. */
  readonly node: ts.Node
  readonly depth: number
}

/** A type that JSON Schema cannot describe; what it stands for is left unvalidated. */
export interface TypeProblem {
  readonly node: ts.Node
  /** One sentence what is wrong, one what to do. */
  readonly message: string
  /** The type as it is written, where the problem is about one. */
  readonly type?: string | undefined
}

/** The description of one side of a handler while it is made. */
export interface Description {
  readonly side: 'input' | 'output'
  readonly checker: ts.TypeChecker
  readonly definitions: Definitions
  /** Schemas whose values are no plain JSON inside the function. */
  readonly revivals: WeakMap<JsonSchema, Revival>
  readonly problems: TypeProblem[]
  /** Describes a type that has no `undefined` in it. @throws SchemaLimit */
  describe(type: ts.Type, place: Place): JsonSchema
  /** Reports a type, and gives the schema that accepts everything. */
  leaveOut(type: ts.Type | string, place: Place, reason?: string): JsonSchema
}
