import type { IncomingMessage, ServerResponse } from 'node:http'
import { isRecord, PlatformError } from '@cordon/contracts'
import { LateHeaders } from '../late/late-headers.ts'
import { LateRequest, type RequestSource } from '../late/late-request.ts'
import { locate } from '../late/location.ts'
import { bodyOf, readBody } from './request-body.ts'
import { connectionSignal, exchangeSignal } from './signals.ts'

/** What a framework changed about a request before it reached us. */
export interface RequestChanges {
  /** Path and query after the mount, starting with `/`. @default `incoming.url` */
  readonly url?: string | undefined
  /** Path and query as the client sent them. @default `incoming.url` */
  readonly originalUrl?: string | undefined
  /** `https` behind a proxy that the framework trusts. @default what the socket is */
  readonly protocol?: string | undefined
  /** The body when it was read from the socket already. @default the socket */
  readonly body?: Uint8Array<ArrayBuffer> | null | undefined
  /** Address of the client, as far as the proxies in front are trusted. @default unknown */
  readonly clientAddress?: (() => string | undefined) | undefined
}

/** A request in web-standard form, which becomes a real one late. */
export interface Translated {
  readonly request: Request
  readonly originalUrl: string
}

/** Methods that every request may have. */
const lateMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const bodyHeaders = ['content-length', 'content-encoding', 'transfer-encoding']
/** Most headers of a request: browsers and proxies send some dozens. Node drops those beyond 2000 without a word. */
const maxHeaders = 256

/**
 * Translates a `node:http` request. Its signal is aborted when the client goes away before the response is complete;
 * a streamed body is read from the socket only as fast as somebody takes it.
 *
 * @throws PlatformError INVALID_INPUT when the request line, the Host header or a header cannot be used
 */
export function toRequest(incoming: IncomingMessage, outgoing: ServerResponse, changes: RequestChanges = {}): Translated {
  const values = headersOf(incoming)
  // Two of them are joined, and refused (RFC 9112, 3.2).
  const origin = originOf(incoming, values['host'] ?? authorityOf(incoming), changes.protocol)
  const path = pathOf(changes.url ?? incoming.url ?? '/')
  refuseDetours(path)
  const method = incoming.method ?? 'GET'
  const hasBody = method !== 'GET' && method !== 'HEAD' && announcesBody(incoming)
  // A parsed body was inflated and is written anew: its old length and coding are no longer true.
  const kept = changes.body === undefined ? values : withoutBodyHeaders(values)
  const headers = new LateHeaders(kept, () => readable(() => new Headers(Object.entries(kept))))
  const exchange: Exchange = { incoming, outgoing, method, headers, body: !hasBody ? null : changes.body }
  const request = new LateRequest(
    sourceOf(exchange),
    readable(() => locate(origin, path)),
  )
  return {
    // Some methods are no request's (Fetch standard, "forbidden method"): the real one says so.
    request: lateMethods.has(method) ? request : request.real,
    originalUrl: changes.originalUrl === undefined ? origin + path : origin + pathOf(changes.originalUrl),
  }
}

/** HTTP/2 has it in place of the header (RFC 9113, 8.3.1). */
function authorityOf(incoming: IncomingMessage): string {
  return 'authority' in incoming && typeof incoming.authority === 'string' ? incoming.authority : 'localhost'
}

/** HTTP/2 needs no header for that: a request without a body ends with its headers. */
function announcesBody(incoming: IncomingMessage): boolean {
  const { headers } = incoming
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) return true
  return 'stream' in incoming && isRecord(incoming.stream) && incoming.stream['endAfterHeaders'] === false
}

/** One request and its response, and what became of the body. */
interface Exchange {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly method: string
  readonly headers: LateHeaders
  /** `undefined`: still in the socket. */
  readonly body: Uint8Array<ArrayBuffer> | null | undefined
}

function sourceOf({ incoming, outgoing, method, headers, body }: Exchange): RequestSource {
  return {
    method,
    headers,
    make(url) {
      const stream = body === undefined ? bodyOf(incoming, outgoing) : body
      const init: RequestInit & { duplex: 'half' } = { method, headers: headers.real, body: stream, duplex: 'half', signal: exchangeSignal(outgoing) }
      return readable(() => new Request(url, init))
    },
    read: async (maxBytes) => (body === undefined ? readBody(incoming, maxBytes) : (body ?? new Uint8Array(0))),
    signal: () => connectionSignal(incoming, outgoing),
  }
}

/** @throws PlatformError INVALID_INPUT with the reason when a part of the request cannot be used */
function readable<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof PlatformError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new PlatformError('INVALID_INPUT', `Cannot read the request: ${reason}`, { cause: error })
  }
}

/** Origins by how they are spelled: most requests of a host name the same one. */
const origins = new Map<string, string>()
const maxOrigins = 100

function originOf(incoming: IncomingMessage, host: string, protocol: string | undefined): string {
  const scheme = protocol ?? ('encrypted' in incoming.socket ? 'https' : 'http')
  const origin = `${scheme}://${host}`
  const known = origins.get(origin)
  if (known !== undefined) return known
  // A Host header with a path, a user or blanks would move the boundary between host and path.
  if (!/^[\w.\-[\]:]+$/.test(host) || !URL.canParse(origin))
    throw new PlatformError('INVALID_INPUT', 'Cannot read the request: its Host header is not a host')
  const parsed = new URL(origin).origin
  // Whoever sends a new name with every request only has the others' parsed again.
  if (origins.size === maxOrigins) origins.clear()
  origins.set(origin, parsed)
  return parsed
}

/**
 * Path and query of a request target. The request line may hold an absolute URL (RFC 9112, 3.2.2); its host is not ours to judge, its path
 * is, as it is spelled.
 *
 * @throws PlatformError INVALID_INPUT
 */
export function pathOf(target: string): string {
  if (target.startsWith('/')) return target
  if (target === '*') return '/'
  if (/^https?:\/\//i.test(target) && URL.canParse(target)) {
    const path = target.replace(/^https?:\/\/[^/?#\\]*/i, '')
    return path.startsWith('/') ? path : `/${path}`
  }
  throw new PlatformError('INVALID_INPUT', 'Cannot read the request: its target is neither a path nor a URL')
}

/**
 * Middleware in front of us compares paths as they are spelled; parsing a URL resolves dots, also `%2e`, and turns
 * backslashes. A path that means another one than it spells would walk around such middleware.
 */
function refuseDetours(target: string): void {
  const path = target.split('?', 1)[0] ?? ''
  if (/(^|\/)(\.|%2e){1,2}(\/|$)|[\\\t\n\r]/i.test(path))
    throw new PlatformError('INVALID_INPUT', 'Cannot read the request: its path holds ".", ".." or a backslash. Send the path that is meant')
}

type Values = Readonly<Record<string, string>>

/**
 * Header values by name in lower case, joined as the Fetch standard joins them ("get", on header lists), cookies as RFC 9113, 8.2.3. From what was
 * sent: `incoming.headers` drops some that occur twice, and the host's own middleware may have changed it. Names with a colon in front are HTTP/2's own.
 */
function headersOf({ rawHeaders }: IncomingMessage): Values {
  if (rawHeaders.length > 2 * maxHeaders) {
    const message = `Cannot read the request: it has more than ${maxHeaders} headers`
    throw new PlatformError('INVALID_INPUT', message, { details: { http: { status: 431 } } })
  }
  const values: Record<string, string> = {}
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    const value = rawHeaders[index + 1] ?? ''
    if (name.startsWith(':')) continue
    if (Object.hasOwn(values, name)) values[name] += (name === 'cookie' ? '; ' : ', ') + value
    else if (name in values) Object.defineProperty(values, name, { value, writable: true, enumerable: true, configurable: true })
    else values[name] = value
  }
  return values
}

function withoutBodyHeaders(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !bodyHeaders.includes(name)))
}
