import { isRecord, type FunctionDetails } from '@cordon/contracts'
import type { Tool } from '@modelcontextprotocol/server'
import { moveSchema } from '../openapi/component-schema.ts'

type Schema = Readonly<Record<string, unknown>>

/** One side of a function as MCP wants it: an object. Any other value is put into a property, which `wrap` names. */
interface ObjectSide {
  readonly schema: Tool['inputSchema']
  readonly wrap: string | undefined
}

/** A function as a tool. */
export interface FunctionTool {
  readonly tool: Tool
  /** The input of the function, for the arguments of a call. */
  inputOf(args: Readonly<Record<string, unknown>> | undefined): unknown
  /** The structured content for an output; `undefined` when there is none, or the tool has not said what it gives. */
  contentOf(output: unknown): Readonly<Record<string, unknown>> | undefined
}

const dialect = 'https://json-schema.org/draft/2020-12/schema'

/** Describes a JSON function as a tool. Input and output that are no objects are properties called `input` and `output`. */
export function toolOf({ name, schemas }: FunctionDetails): FunctionTool {
  const input = objectSide('input', schemas.input, schemas.inputOptional === true) ?? {
    schema: { $schema: dialect, type: 'object' },
    wrap: undefined,
  }
  const output = objectSide('output', schemas.output, schemas.outputOptional === true)
  return {
    tool: {
      name,
      ...(schemas.description === undefined ? {} : { description: readable(schemas.description) }),
      inputSchema: input.schema,
      ...(output === undefined ? {} : { outputSchema: output.schema }),
    },
    inputOf(args) {
      if (input.wrap !== undefined) return args?.[input.wrap]
      const isEmpty = args === undefined || Object.keys(args).length === 0
      return isEmpty && schemas.inputOptional === true ? undefined : (args ?? {})
    },
    contentOf(value) {
      if (output === undefined) return undefined
      if (output.wrap !== undefined) return value === undefined ? {} : { [output.wrap]: value }
      return isRecord(value) ? value : undefined
    },
  }
}

function objectSide(name: 'input' | 'output', schema: Schema | undefined, isOptional: boolean): ObjectSide | undefined {
  if (schema === undefined) return undefined
  // A function that may return nothing cannot promise an object.
  const isObject = isObjectSchema(schema) && !(name === 'output' && isOptional)
  const moved = moveSchema(schema, isObject ? '#' : `#/properties/${name}`, readable)
  if (moved === undefined) return undefined
  if (isObject) return { schema: { $schema: dialect, ...moved, type: 'object' }, wrap: undefined }
  const required = isOptional ? {} : { required: [name] }
  return { schema: { $schema: dialect, type: 'object', properties: { [name]: asJson(moved) }, ...required }, wrap: name }
}

/** Whether every value that fits is an object. Looks at each schema once: references may lead back, or to one place on many ways. */
function isObjectSchema(root: Schema): boolean {
  const reached = new Set<unknown>([root])
  // Grows while it is walked.
  for (const schema of reached) {
    if (!isRecord(schema)) return false
    if (schema['type'] === 'object') continue
    const inner = schema['type'] === undefined ? innerOf(schema, root) : []
    if (inner.length === 0) return false
    for (const one of inner) reached.add(one)
  }
  return true
}

/** What a schema refers to, or else offers to choose from. */
function innerOf({ $ref, anyOf, oneOf }: Schema, root: Schema): readonly unknown[] {
  if (typeof $ref !== 'string') return Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : []
  const name = /^#\/\$defs\/([^/~%]+)$/.exec($ref)?.[1]
  return name !== undefined && isRecord(root['$defs']) && Object.hasOwn(root['$defs'], name) ? [root['$defs'][name]] : []
}

/** A text for a model: without characters that people do not see, which would be a way to talk past them. */
function readable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t\n]|\p{Cf}/gu, '')
}

function asJson(schema: Schema): Record<string, never> {
  return schema as Record<string, never>
}
