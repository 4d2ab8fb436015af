import { invalidOption, PlatformError, type ContextRequest, type FetchOptions, type HttpInvocation, type HttpResponse } from '@cordon/contracts'
import { checkText } from './call-options.ts'
import { checkBytes } from './input-json.ts'

/** A `Request` in the parts that the executor takes. */
export interface HttpParts {
  readonly head: HttpInvocation['request']
  readonly context: ContextRequest
  readonly signal: AbortSignal
}

/** Header in which the `Response` of `fetch` says which invocation it came from. */
const invocationHeader = 'x-cordon-invocation-id'

/** Statuses whose responses have no body (Fetch standard, "null body status"). */
const bodyless = new Set([101, 204, 205, 304])

/**
 * Takes a `Request` apart; its body stays a stream.
 *
 * @throws PlatformError INVALID_OPTION, PAYLOAD_TOO_LARGE when `content-length` announces too much
 */
export function httpRequest(request: Request, options: FetchOptions, payloadBytes: number): HttpParts {
  if (!(request instanceof Request)) throw invalidOption('request', 'a Request', request)
  const announced = request.headers.get('content-length')
  if (announced !== null && /^\d{1,15}$/.test(announced)) checkBytes(Number(announced), payloadBytes)
  if (request.bodyUsed) throw new PlatformError('INVALID_INPUT', 'Cannot send the request: its body has been read already')
  const { pathname, searchParams } = new URL(request.url)
  const headers = [...request.headers]
  checkText([request.url, options.originalUrl ?? '', ...headers.flat()], payloadBytes)
  return {
    head: { method: request.method, url: request.url, headers, body: request.body === null ? null : bounded(request.body, payloadBytes) },
    context: {
      method: request.method,
      url: options.originalUrl ?? request.url,
      path: pathname,
      query: queryOf(searchParams),
      headers: headersOf(headers),
    },
    signal: signalOf(request, options.signal),
  }
}

/** A request passes the abort of its caller on only while it is in memory itself (undici holds it weakly): it shall live as long as the signal that the call has. */
const requests = new WeakMap<AbortSignal, Request>()

function signalOf(request: Request, other: AbortSignal | undefined): AbortSignal {
  const signal = other === undefined ? request.signal : AbortSignal.any([request.signal, other])
  requests.set(signal, request)
  return signal
}

/**
 * Builds the `Response`; its body stays a stream. The id of the invocation replaces what the function says under that name:
 * a reply that a function passes on from elsewhere may carry another one.
 *
 * @throws PlatformError INVALID_OUTPUT when no `Response` can have this head
 */
export function httpResponse({ status, headers, body }: HttpResponse, invocationId: string): Response {
  try {
    const list = new Headers()
    for (const [name, value] of headers) list.append(name, value)
    list.set(invocationHeader, invocationId)
    const response = new Response(bodyless.has(status) ? null : body, { status, headers: list })
    if (bodyless.has(status)) void body?.cancel().catch(() => {})
    return response
  } catch (error) {
    void body?.cancel().catch(() => {})
    throw new PlatformError('INVALID_OUTPUT', `Cannot send the response: ${error instanceof Error ? error.message : 'its head is invalid'}`, {
      cause: error,
    })
  }
}

/** A body that says it is too large as soon as it is, for requests that do not announce their length. */
function bounded(body: ReadableStream<Uint8Array>, payloadBytes: number): ReadableStream<Uint8Array> {
  let bytes = 0
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength
        checkBytes(bytes, payloadBytes)
        controller.enqueue(chunk)
      },
    }),
  )
}

function queryOf(params: URLSearchParams): ContextRequest['query'] {
  // Without a prototype: the names are the caller's.
  const query = Object.create(null) as Record<string, string | string[]>
  for (const [name, value] of params) {
    const before = query[name]
    if (before === undefined) query[name] = value
    else if (typeof before === 'string') query[name] = [before, value]
    else before.push(value)
  }
  return query
}

function headersOf(pairs: readonly (readonly [string, string])[]): ContextRequest['headers'] {
  const headers = Object.create(null) as Record<string, string>
  for (const [name, value] of pairs) {
    const before = headers[name]
    // Only `set-cookie` comes in several pairs.
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  return headers
}
