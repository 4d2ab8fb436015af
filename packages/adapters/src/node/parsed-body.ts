import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { isRecord, PlatformError } from '@cordon/contracts'

/** What body-parsing middleware leaves behind. */
export interface ParsedBody {
  readonly body?: unknown
  /** Some hosts keep the bytes or the text as they came. */
  readonly rawBody?: unknown
}

/**
 * The body of a request whose socket was read already, as bytes again; `undefined` when it was not read.
 *
 * @throws PlatformError INVALID_INPUT when it was read and cannot be made again
 */
export function parsedBody(incoming: IncomingMessage, { body, rawBody }: ParsedBody): Uint8Array<ArrayBuffer> | undefined {
  if (!incoming.readableDidRead && !incoming.readableEnded) return undefined
  if (rawBody instanceof Uint8Array) return new Uint8Array(rawBody)
  if (typeof rawBody === 'string') return encode(rawBody)
  if (body instanceof Uint8Array) return new Uint8Array(body)
  const type = incoming.headers['content-type'] ?? ''
  // A text parser that takes every type leaves JSON as it came; JSON that was parsed to a string has lost its quotes.
  const isText = typeof body === 'string' && Number(incoming.headers['content-length']) === Buffer.byteLength(body)
  if (/\bjson\b/i.test(type) && body !== undefined && !isText) return encode(JSON.stringify(body))
  if (typeof body === 'string') return encode(body)
  if (/^application\/x-www-form-urlencoded\b/i.test(type) && isRecord(body)) return encode(formText(body))
  throw new PlatformError(
    'INVALID_INPUT',
    'Cannot read the request body: middleware in front of the platform has read it and left nothing behind. Mount the platform before it',
  )
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text))
}

/** Deepest nesting written back; the default of `qs`, which read it. */
const maxDepth = 5

/** Writes a parsed form back in the notation of `qs`: `a[b]=c`, `list[0]=d`. */
function formText(body: Readonly<Record<string, unknown>>): string {
  const form = new URLSearchParams()
  function add(name: string, value: unknown, depth: number): void {
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) for (const one of value) form.append(name, one)
    else if (typeof value === 'object' && value !== null && depth < maxDepth)
      for (const [key, one] of Object.entries(value)) add(`${name}[${key}]`, one, depth + 1)
    else form.append(name, String(value))
  }
  for (const [name, value] of Object.entries(body)) add(name, value, 0)
  return form.toString()
}
