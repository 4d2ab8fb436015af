import type { ts } from '@ts-morph/common'
import { isSchema, mapSubschemas, SchemaLimit, type JsonSchema } from './json-schema.ts'
import type { Revival } from './description.ts'

/** Most schemas that one side of a handler may consist of: a page of API documentation has some dozens. */
const maxSchemas = 3000

interface Definition {
  readonly name: string
  /** Whether the user gave the name. */
  readonly isNamed: boolean
  schema: JsonSchema | undefined
  uses: number
  isRecursive: boolean
}

/**
 * The types of one side that have parts. Each is described once and referred to; in the end, what is used in one place only
 * or has no name is put where it is used.
 */
export class Definitions {
  readonly #byType = new Map<ts.Type, Definition>()
  readonly #names = new Set<string>()
  readonly #revivals: WeakMap<JsonSchema, Revival>

  constructor(revivals: WeakMap<JsonSchema, Revival>) {
    this.#revivals = revivals
  }

  /** A reference to the definition of a type, which is described when it is new. */
  refer(type: ts.Type, name: string | undefined, describe: () => JsonSchema): JsonSchema {
    const known = this.#byType.get(type)
    if (known !== undefined) {
      known.uses++
      if (known.schema === undefined) known.isRecursive = true
      return { $ref: `#/$defs/${known.name}` }
    }
    if (this.#byType.size >= maxSchemas) throw new SchemaLimit(`has more than ${maxSchemas} parts`)
    const definition: Definition = { name: this.#unique(name ?? 'Type'), isNamed: name !== undefined, schema: undefined, uses: 1, isRecursive: false }
    this.#byType.set(type, definition)
    definition.schema = describe()
    return { $ref: `#/$defs/${definition.name}` }
  }

  /** The complete schema: `root` with what it refers to. */
  finish(root: JsonSchema): JsonSchema {
    const byName = new Map([...this.#byType.values()].map((one) => [one.name, one]))
    const kept = new Map<string, JsonSchema | undefined>()
    let count = 0
    const expand = (schema: JsonSchema): JsonSchema => {
      if (++count > maxSchemas) throw new SchemaLimit(`has more than ${maxSchemas} parts`)
      const { $ref, ...rest } = schema
      const definition = typeof $ref === 'string' ? byName.get($ref.slice('#/$defs/'.length)) : undefined
      if (definition?.schema === undefined) return this.#copyMark(schema, flatten(mapSubschemas(schema, expand)))
      if (!definition.isRecursive && (definition.uses === 1 || !definition.isNamed)) {
        const inner = expand(definition.schema)
        return this.#copyMark(inner, { ...inner, ...rest })
      }
      if (!kept.has(definition.name)) {
        kept.set(definition.name, undefined)
        kept.set(definition.name, expand(definition.schema))
      }
      return schema
    }
    const expanded = expand(root)
    const definitions = [...kept].filter((one): one is [string, JsonSchema] => isSchema(one[1])).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return definitions.length === 0 ? expanded : this.#copyMark(expanded, { ...expanded, $defs: Object.fromEntries(definitions) })
  }

  #copyMark(from: JsonSchema, to: JsonSchema): JsonSchema {
    const mark = this.#revivals.get(from)
    if (mark !== undefined) this.#revivals.set(to, mark)
    return to
  }

  #unique(name: string): string {
    const base =
      name
        .replaceAll(/[^A-Za-z0-9_]+/g, '_')
        .replaceAll(/^_+|_+$/g, '')
        .slice(0, 60) || 'Type'
    let unique = base
    for (let number = 2; this.#names.has(unique); number++) unique = `${base}_${number}`
    this.#names.add(unique)
    return unique
  }
}

/** A union that is nothing but an alternative of another is a part of that. */
function flatten(schema: JsonSchema): JsonSchema {
  const { anyOf } = schema
  if (!Array.isArray(anyOf)) return schema
  const isOnlyUnion = (one: unknown) => isSchema(one) && Array.isArray(one['anyOf']) && Object.keys(one).length === 1
  return { ...schema, anyOf: anyOf.flatMap((one: unknown) => (isOnlyUnion(one) && isSchema(one) ? one['anyOf'] : [one])) }
}
