import { Ajv2020 } from 'ajv/dist/2020.js'
import { createAjv } from './create-ajv.ts'

/** Longest reason in characters. */
const maxReason = 200

let meta: Ajv2020 | undefined

/** What is wrong with a schema that the user wrote, and `undefined` when nothing is. References lead nowhere but into the schema itself. */
export function checkSchema(schema: Readonly<Record<string, unknown>>): string | undefined {
  meta ??= new Ajv2020({ strict: false, logger: false })
  const known = [undefined, 'https://json-schema.org/draft/2020-12/schema', 'https://json-schema.org/draft/2020-12/schema#']
  const dialect = schema['$schema']
  if (!known.some((one) => one === dialect)) return '"$schema" names another dialect'
  try {
    if (meta.validateSchema(schema) !== true) return shorten(meta.errorsText(meta.errors, { dataVar: 'schema' }))
    createAjv().compile(schema)
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return 'it is nested too deeply'
    return shorten(error instanceof Error ? error.message : String(error))
  }
}

function shorten(reason: string): string {
  return reason.length > maxReason ? `${reason.slice(0, maxReason)}…` : reason
}
