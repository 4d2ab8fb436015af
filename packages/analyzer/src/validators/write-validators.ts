import equal from 'ajv/dist/runtime/equal.js'
import ucs2length from 'ajv/dist/runtime/ucs2length.js'
import standalone from 'ajv/dist/standalone/index.js'
import type { HandlerSchemas, SideSchema } from '../schema/handler-schemas.ts'
import { isSchema, mapSubschemas, type JsonSchema } from '../schema/json-schema.ts'
import { createAjv } from './create-ajv.ts'
import { writeRevive } from './revive-code.ts'

/** What ajv's code takes from its package; each is a function that stands for itself. */
const helpers: ReadonlyMap<string, { toString(): string }> = new Map<string, { toString(): string }>([
  ['ajv/dist/runtime/ucs2length', ucs2length.default],
  ['ajv/dist/runtime/equal', equal.default],
])

/**
 * Writes the validators of a handler as an expression that gives contracts' `Validators`, or `undefined` without schemas.
 * The code runs in the sandbox, before the function's own.
 *
 * @throws Error when ajv cannot compile a schema, which only happens to one that the user wrote
 */
export function writeValidators(schemas: Pick<HandlerSchemas, 'input' | 'output'>): string | undefined {
  const parts = [writeSide('input', schemas.input), writeSide('output', schemas.output)].filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : `{ ${parts.join(', ')} }`
}

function writeSide(name: 'input' | 'output', side: SideSchema | undefined): string | undefined {
  if (side === undefined) return undefined
  const revive = writeRevive(side.schema, side.revivals)
  // What the code returns is sent as it is, unless JSON would write it in another way.
  if (!side.isEnforced && revive?.hasBytes !== true) return undefined
  const alternatives = name === 'input' ? [...(revive?.alternatives ?? [])] : []
  const refs = [...(side.isEnforced ? [['validate', name]] : []), ...alternatives.map(([one, pointer]) => [one, `${name}#${pointer}`])]
  const code = refs.length === 0 ? '' : compile(side.schema, name, refs)
  const functions = alternatives.map(([one]) => `const ${one} = exports.${one};`).join(' ')
  const reviveCode = revive === undefined || name === 'output' ? '' : `${functions} ${revive.code}`
  const fields = [
    ...(side.isEnforced ? ['validate: exports.validate'] : []),
    `isOptional: ${side.isOptional}`,
    ...(reviveCode === '' ? [] : ['revive']),
    ...(name === 'output' && revive !== undefined ? [`encodes: "${revive.hasBytes ? 'bytes' : 'dates'}"`] : []),
  ]
  // The names that the code uses are taken here and now, before the function could change them.
  return `${name}: (({ Array: { isArray }, Object, RegExp, Date, Uint8Array, Buffer, isFinite }) => { const Array = { isArray }; ${writeRequire(code)} const exports = {}; ${code} ${reviveCode} return { ${fields.join(', ')} } })(globalThis)`
}

/** The code of some parts of a schema. A compiler of its own for each side: both may have the same `$id`. */
function compile(schema: JsonSchema, name: string, refs: readonly string[][]): string {
  const ajv = createAjv().addSchema(withoutRemarks(schema), name)
  return standalone.default(ajv, Object.fromEntries(refs))
}

/** Keywords that are for readers. They would be part of the code. */
const remarks = new Set(['$schema', 'description', 'title', 'default', 'examples', 'deprecated', 'readOnly', 'writeOnly'])

function withoutRemarks(schema: JsonSchema): JsonSchema {
  const kept = Object.fromEntries(Object.entries(mapSubschemas(schema, withoutRemarks)).filter(([keyword]) => !remarks.has(keyword)))
  const definitions = kept['$defs']
  if (!isSchema(definitions)) return kept
  return { ...kept, $defs: Object.fromEntries(Object.entries(definitions).map(([name, one]) => [name, isSchema(one) ? withoutRemarks(one) : one])) }
}

/** A `require` for what the code asks for. */
function writeRequire(code: string): string {
  const names = new Set([...code.matchAll(/require\("([^"]+)"\)/g)].flatMap(([, name]) => name ?? []))
  const entries = [...names].map((name) => {
    const helper = helpers.get(name)
    if (helper === undefined) throw new Error(`its validator needs "${name}", which is not there`)
    return `${JSON.stringify(name)}: { default: ${helper.toString()} }`
  })
  return entries.length === 0 ? '' : `const modules = { ${entries.join(', ')} }; const require = (name) => modules[name];`
}
