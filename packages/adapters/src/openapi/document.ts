import { setImmediate } from 'node:timers/promises'
import type { FunctionInfo, Platform } from '@cordon/contracts'
import { detailsOf } from '../routes/visible-functions.ts'
import { describeFunction, needsCredentials } from './operations.ts'
import { errorResponses, problemSchema } from './responses.ts'

/** Characters of schemas in one document after which functions are listed without theirs. */
const maxSchemaLength = 4_000_000
/** Longest time in milliseconds that describing functions keeps the event loop to itself. */
const sliceMs = 10

/** What the document is about. */
export interface DocumentSubject {
  readonly platform: Platform
  readonly functions: readonly FunctionInfo[]
  /** Path below which the routes are: `/cordon`, or nothing. */
  readonly mount: string
}

/**
 * Describes functions as an OpenAPI 3.1 document (JSON text): schemas and doc comments as the analyzer found them, the errors of the
 * table, credentials where the `access` of a function asks for them.
 */
export async function writeDocument({ platform, functions, mount }: DocumentSubject): Promise<string> {
  const paths: string[] = []
  const schemas: string[] = [`"Problem":${JSON.stringify(problemSchema)}`]
  let length = 0
  let isFull = false
  let sliceEnd = performance.now() + sliceMs
  for (const info of functions) {
    if (performance.now() > sliceEnd) {
      await setImmediate()
      sliceEnd = performance.now() + sliceMs
    }
    const details = await detailsOf(platform, info)
    if (details === undefined) continue
    isFull ||= length > maxSchemaLength
    const described = describeFunction(details, isFull)
    const text = membersOf(described.schemas)
    length += text.length
    if (text !== '') schemas.push(text)
    paths.push(`${JSON.stringify(`/fn/${info.name}`)}:${JSON.stringify(described.path)}`)
  }
  const hasCredentials = functions.some(needsCredentials)
  const head = JSON.stringify({
    openapi: '3.1.0',
    info: {
      title: 'Functions',
      version: '1',
      description: 'The functions that are live now. Each is called at `/fn/` and its name.',
      // Nobody has said under which licence the functions may be described; SPDX has this word for it.
      license: { name: 'Not stated', identifier: 'NOASSERTION' },
    },
    servers: [{ url: mount === '' ? '/' : mount }],
  })
  const responses = functions.length === 0 ? '' : `,"responses":${JSON.stringify(errorResponses(hasCredentials))},"schemas":{${schemas.join(',')}}`
  const security = hasCredentials ? `,"securitySchemes":${JSON.stringify({ credentials })}` : ''
  const components = `{${`${responses}${security}`.slice(1)}}`
  return `${head.slice(0, -1)},"paths":{${paths.join(',')}},"components":${components}}`
}

/** What `authenticate` of the host looks at is its own affair; a bearer token is what the stand-alone server takes. */
const credentials = { type: 'http', scheme: 'bearer', description: 'What the `authenticate` function of the host recognises.' }

function membersOf(object: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(object).slice(1, -1)
}
