import type { IncomingMessage, ServerResponse } from 'node:http'
import { PlatformError } from '@cordon/contracts'

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
}

/** A request in web-standard form. */
export interface Translated {
  readonly request: Request
  readonly originalUrl: string
}

/** Bytes of a request body kept in memory before the socket is paused; the default of Node's own sockets. */
const bodyWindowBytes = 65_536

/**
 * Translates a `node:http` request. Its signal is aborted when the client goes away before the response is complete;
 * the body is read from the socket only as fast as somebody takes it.
 *
 * @throws PlatformError INVALID_INPUT when the request line, the Host header or a header cannot be used
 */
export function toRequest(incoming: IncomingMessage, outgoing: ServerResponse, changes: RequestChanges = {}): Translated {
  const origin = originOf(incoming, changes.protocol)
  const path = pathOf(changes.url ?? incoming.url ?? '/')
  refuseDetours(path)
  const method = incoming.method ?? 'GET'
  const hasBody =
    method !== 'GET' &&
    method !== 'HEAD' &&
    (incoming.headers['transfer-encoding'] !== undefined || Number(incoming.headers['content-length'] ?? 0) > 0)
  try {
    const headers = headersOf(incoming)
    if (changes.body !== undefined) dropBodyHeaders(headers)
    const body = !hasBody ? null : changes.body === undefined ? bodyOf(incoming, outgoing) : changes.body
    const init: RequestInit & { duplex: 'half' } = { method, headers, body, duplex: 'half', signal: abortSignal(outgoing) }
    // Joined as text: a path that begins with two slashes must not be read as a host.
    return {
      request: new Request(origin + path, init),
      originalUrl: origin + (changes.originalUrl === undefined ? path : pathOf(changes.originalUrl)),
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new PlatformError('INVALID_INPUT', `Cannot read the request: ${reason}`, { cause: error })
  }
}

function originOf(incoming: IncomingMessage, protocol: string | undefined): string {
  const scheme = protocol ?? ('encrypted' in incoming.socket ? 'https' : 'http')
  const host = incoming.headers.host ?? 'localhost'
  const origin = `${scheme}://${host}`
  // A Host header with a path, a user or blanks would move the boundary between host and path.
  if (!/^[\w.\-[\]:]+$/.test(host) || !URL.canParse(origin))
    throw new PlatformError('INVALID_INPUT', 'Cannot read the request: its Host header is not a host')
  return new URL(origin).origin
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

function headersOf(incoming: IncomingMessage): Headers {
  const headers = new Headers()
  const raw = incoming.rawHeaders
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    // Names with a colon in front are HTTP/2's own.
    if (!name.startsWith(':')) headers.append(name, raw[index + 1] ?? '')
  }
  return headers
}

/** A parsed body was inflated and is written anew: its old length and coding are no longer true. */
function dropBodyHeaders(headers: Headers): void {
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding']) headers.delete(name)
}

function abortSignal(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController()
  function onClose(): void {
    if (!outgoing.writableFinished) controller.abort(new PlatformError('CANCELLED', 'Cannot finish the request: the client closed the connection'))
  }
  // Middleware in front may have waited so long that the client is gone already.
  if (outgoing.destroyed) onClose()
  else outgoing.once('close', onClose)
  return controller.signal
}

function bodyOf(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  let stop: () => void = () => undefined
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        function onData(chunk: Uint8Array): void {
          controller.enqueue(chunk)
          if ((controller.desiredSize ?? 0) <= 0) incoming.pause()
        }
        function onEnd(): void {
          stop()
          controller.close()
        }
        function onError(error: Error): void {
          stop()
          controller.error(error)
        }
        function onClose(): void {
          if (!incoming.readableEnded) onError(new Error('the client closed the connection'))
        }
        // Node drops the rest of a body that nobody has begun to read; once begun, the next request waits behind it.
        function onFinish(): void {
          onError(new Error('the response is complete'))
          incoming.resume()
        }
        stop = () => {
          incoming.off('data', onData).off('end', onEnd).off('close', onClose)
          outgoing.off('finish', onFinish)
        }
        outgoing.on('finish', onFinish)
        incoming.pause()
        // An error after the end has no other listener and would end the host.
        incoming.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
      },
      pull() {
        incoming.resume()
      },
      cancel() {
        stop()
        incoming.resume()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: bodyWindowBytes }),
  )
}
