import { errorTable, type ErrorCode } from '@cordon/contracts'
import { statusByCode } from '../routes/problem.ts'

type Json = Readonly<Record<string, unknown>>

/** The schema of every error reply; the fields are those of `Problem`. */
export const problemSchema: Json = {
  type: 'object',
  description: 'Problem details (RFC 9457) with the fields of a platform error.',
  properties: {
    type: { type: 'string', description: '`urn:cordon:error:` and the code.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What went wrong with this call.' },
    code: { type: 'string', enum: Object.keys(errorTable) },
    origin: { type: 'string', enum: ['caller', 'function', 'platform'], description: 'Whose fault it is.' },
    retryable: { type: 'boolean', description: 'Whether the same call may succeed later.' },
    invocationId: { type: 'string' },
    issues: {
      type: 'array',
      description: 'Where the input or the output does not fit its schema.',
      items: {
        type: 'object',
        properties: { path: { type: 'string', description: 'JSON pointer to the value.' }, expected: { type: 'string' }, got: { type: 'string' } },
        required: ['path', 'expected', 'got'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail'],
}

/** What calling a function answers when it fails, by status. 499 is left out: nobody receives it. */
const callStatuses = [400, 401, 404, 413, 429, 502, 503, 504]

/** Codes that cannot be the answer to a call of a function. */
const notOfCalls: ReadonlySet<string> = new Set<ErrorCode>(['INVALID_OPTION', 'VERSION_NOT_FOUND', 'DATA_DIR_IN_USE', 'HARDENING_UNAVAILABLE'])

/** The error replies that the operations refer to. */
export function errorResponses(hasCredentials: boolean): Json {
  return Object.fromEntries(
    callStatuses.filter((status) => status !== 401 || hasCredentials).map((status) => [nameOf(status), errorResponse(status)]),
  )
}

/** References to the error replies, for one operation. */
export function errorReferences(needsCredentials: boolean): Json {
  const statuses = callStatuses.filter((status) => status !== 401 || needsCredentials)
  return Object.fromEntries(statuses.map((status) => [String(status), { $ref: `#/components/responses/${nameOf(status)}` }]))
}

function nameOf(status: number): string {
  return `Problem${status}`
}

function errorResponse(status: number): Json {
  const codes = Object.entries(statusByCode).filter(([code, its]) => its === status && !notOfCalls.has(code))
  const lines = codes.map(([code]) => `- \`${code}\`: ${errorTable[code as ErrorCode].title}`)
  if (status === 503) lines.push('- `OVERLOADED`: the queue of the host is full')
  return {
    description: lines.join('\n'),
    ...(status === 429 || status === 503
      ? { headers: { 'Retry-After': { description: 'Seconds until a try makes sense.', schema: { type: 'integer' } } } }
      : {}),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}
