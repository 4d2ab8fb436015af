import { functionName, PlatformError, type FetchOptions, type Platform, type Schemas, type User } from '@cordon/contracts'
import { LateResponse } from '../late/late-response.ts'
import type { Location } from '../late/location.ts'
import { locationOf, realRequest, recordOf } from '../late/real.ts'
import { readBytes, tooLarge, withoutMark } from './body.ts'
import type { Asked, Gate } from './caller.ts'
import { readQuery } from './list-query.ts'
import { createLearnedKinds } from './learned-kinds.ts'
import { queryInput } from './query-input.ts'

/** Serves `ANY /fn/:name/*` and `ANY /functions/v1/:name/*`. @throws PlatformError whatever the call fails with */
export type FunctionRoute = (request: Request, asked: Asked) => Promise<Response>

/** What the route needs. */
export interface FunctionRouteOptions {
  readonly platform: Platform
  readonly gate: Gate
  /** The headers without what a function must not see: the owner's own token. */
  readonly redact: (headers: Headers) => Headers
}

interface Call {
  readonly platform: Platform
  readonly user: User | undefined
  readonly name: string
  readonly schemas: Schemas
  /** The path after the name, starting with `/`. */
  readonly path: string
  readonly url: Location
  readonly originalUrl: string
  readonly request: Request
  readonly headers: Headers
  /** Methods with a body that a JSON function takes as its input. */
  readonly bodyMethods: readonly string[]
}

/** Where functions are called, and the name of one; what follows belongs to it. */
const functionPath = /^\/(fn|functions\/v1)\/([^/]+)(\/.*)?$/
/** Clients of Supabase choose the method as they like, and may send where they want a function to run, which is nothing for the function. */
const relayMethods = ['POST', 'PUT', 'PATCH', 'DELETE']
const regionParameter = 'forceFunctionRegion'

/** Whether a path below the mount is one of functions. */
export function isFunctionPath(path: string): boolean {
  return path === '/fn' || path.startsWith('/fn/') || path.startsWith('/functions/v1/')
}

/** Serves functions: a JSON function by its input and output, an HTTP function by its own request and response. */
export function createFunctionRoute(options: FunctionRouteOptions): FunctionRoute {
  const kinds = createLearnedKinds()
  return async (request, { originalUrl, visit, notes }) => {
    const url = locationOf(request)
    const match = functionPath.exec(url.pathname)
    const name = match?.[2]
    if (name === undefined || !functionName.test(name))
      throw new PlatformError('FUNCTION_NOT_FOUND', `Cannot find a function at "${url.pathname}": expected /fn/<name>/… or /functions/v1/<name>/…`)
    const served = await options.gate.forFunction(request, visit)
    if (notes !== undefined) notes.tenant = served.tenant
    const info = await served.platform.functions.get(name)
    if (notes !== undefined) notes.function = name
    served.admit(name, info.manifest.config.access)
    if (visit !== undefined) await served.countCall(name)
    const call: Call = {
      platform: served.platform,
      user: served.user,
      name,
      schemas: info.schemas,
      path: match?.[3] ?? '/',
      url,
      originalUrl,
      request,
      headers: options.redact(request.headers),
      bodyMethods: match?.[1] === 'fn' ? ['POST'] : relayMethods,
    }
    const kind = info.manifest.handler === 'unknown' ? kinds.get(served.platform, info) : info.manifest.handler
    if (kind === 'json') return invokeJson(call)
    const real = { ...call, request: realRequest(request) }
    if (kind === 'http') return fetchHttp(real)
    return findOut(real, (learned) => kinds.learn(served.platform, info, learned))
  }
}

async function invokeJson(call: Call): Promise<Response> {
  const { request, name, bodyMethods } = call
  const hasBody = bodyMethods.includes(request.method)
  if (!hasBody && request.method !== 'GET' && request.method !== 'HEAD') return answerMethod(call)
  const query = call.url.search === '' ? {} : queryOf(call)
  // As text, in and out: what parsing it costs would be up to strangers.
  const input = hasBody
    ? withoutMark(await readBytes(request, call.platform.options.limits.payloadBytes))
    : JSON.stringify(queryInput(query, call.schemas.input))
  const result = await call.platform.invokeJson(name, input, {
    request: { method: request.method, url: call.originalUrl, path: call.path, query, headers: recordOf(call.headers) },
    user: call.user,
    signal: request.signal,
  })
  const headers = { 'x-cordon-invocation-id': result.invocationId, 'x-content-type-options': 'nosniff' }
  if (result.outputJson === undefined) return new Response(null, { status: 204, headers })
  const jsonHeaders = { ...headers, 'content-type': 'application/json' }
  if (request.method === 'HEAD') return new Response(null, { headers: jsonHeaders })
  return new LateResponse({ text: result.outputJson, headers: jsonHeaders })
}

function queryOf({ url, bodyMethods }: Call): ReturnType<typeof readQuery> {
  const params = new URLSearchParams(url.search)
  if (bodyMethods === relayMethods) params.delete(regionParameter)
  return readQuery(params)
}

/** OPTIONS asks what works; 405 has no code of its own, the header says what does. */
function answerMethod({ request, name, bodyMethods }: Call): Response {
  const allow = ['GET', 'HEAD', ...bodyMethods, 'OPTIONS'].join(', ')
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } })
  throw new PlatformError(
    'INVALID_INPUT',
    `Cannot call function "${name}" with ${request.method}: a JSON function takes POST with a JSON body, or GET with a query`,
    { details: { http: { status: 405, allow } } },
  )
}

async function fetchHttp(call: Call): Promise<Response> {
  const { maxBytes, guard } = bodyLimit(call)
  const { body, signal, isExceeded } = guard(call.request.body)
  try {
    return await send(call, { body, signal })
  } catch (error) {
    throw isExceeded() ? tooLarge(maxBytes) : error
  }
}

async function send(
  call: Call,
  options: { body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null; signal: AbortSignal },
): Promise<Response> {
  const { request } = call
  const init: RequestInit & { duplex: 'half' } = { method: request.method, headers: call.headers, body: options.body, duplex: 'half' }
  // Joined as text: a path that begins with two slashes must not be read as a host.
  const target = new Request(call.url.origin + call.path + call.url.search, init)
  const fetchOptions: FetchOptions = { originalUrl: call.originalUrl, user: call.user, signal: options.signal }
  const response = await call.platform.fetch(call.name, target, fetchOptions)
  if (request.method !== 'HEAD' || response.body === null) return response
  await response.body.cancel()
  return new Response(null, response)
}

/**
 * The loaded value decides the kind, so a version that the analyzer could not tell apart is asked once: as an HTTP
 * function first, with the body kept for a second try as a JSON function. The sandbox refuses the wrong one before any handler runs.
 */
async function findOut(call: Call, learn: (kind: 'json' | 'http') => void): Promise<Response> {
  const bytes = call.request.body === null ? null : await readBytes(call.request, call.platform.options.limits.payloadBytes)
  try {
    const response = await send(call, { body: bytes, signal: call.request.signal })
    learn('http')
    return response
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'INVALID_INPUT') throw error
  }
  const again = new Request(call.request.url, { method: call.request.method, headers: call.headers, body: bytes, signal: call.request.signal })
  const response = await invokeJson({ ...call, request: again })
  learn('json')
  return response
}

/** A body without Content-Length is counted while it streams; one that grows too long cancels the call. */
function bodyLimit(call: Call) {
  const maxBytes = call.platform.options.limits.payloadBytes
  const { signal } = call.request
  function guard(body: ReadableStream<Uint8Array> | null): {
    body: ReadableStream<Uint8Array> | null
    signal: AbortSignal
    isExceeded: () => boolean
  } {
    const declared = call.headers.get('content-length')
    if (Number(declared ?? 0) > maxBytes) throw tooLarge(maxBytes)
    if (body === null || declared !== null) return { body, signal, isExceeded: () => false }
    const tooLong = new AbortController()
    let length = 0
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        length += chunk.byteLength
        if (length <= maxBytes) return controller.enqueue(chunk)
        const error = tooLarge(maxBytes)
        controller.error(error)
        tooLong.abort(error)
      },
    })
    return { body: body.pipeThrough(counter), signal: AbortSignal.any([signal, tooLong.signal]), isExceeded: () => tooLong.signal.aborted }
  }
  return { maxBytes, guard }
}
