import { PlatformError, resolveOptions, type Authenticate, type Platform } from '@cordon/contracts'
import { createGuard, type Passage } from './guard/guard.ts'
import { handlerOptionTable, type HandlerOptions } from './handler-options.ts'
import { locate } from './late/location.ts'
import { locationOf, realRequest, realResponse, requestAt } from './late/real.ts'
import { createRequestWatch, type RequestNotes } from './observe/request-watch.ts'
import { createApiRoutes } from './routes/api-routes.ts'
import { createGate } from './routes/caller.ts'
import { createFunctionRoute, isFunctionPath } from './routes/function-route.ts'
import { createHealthRoute, healthPath } from './routes/health-route.ts'
import { createMcpRoute, mcpPath } from './routes/mcp-route.ts'
import { createMetricsRoute, metricsPath } from './routes/metrics-route.ts'
import { createOpenApiRoute, openApiPath } from './routes/openapi-route.ts'
import { problemResponse } from './routes/problem.ts'
import { addRelayError, relayPath } from './routes/relay-error.ts'

/** A web-standard handler. Never rejects: every failure is a problem+json reply. `facts` are for hosts that know more than the request says. */
export type Handler = (request: Request, facts?: ClientFacts) => Promise<Response>

/** What a host may know of the client. */
export interface ClientFacts {
  /** Its address, for `http.rateLimit.perAddress`; a request does not say it. */
  readonly clientAddress?: string | undefined
}

/** What the entries of this package know besides the request. */
export interface RequestFacts {
  /** URL as the client sent it, mount path and all; `ctx.request.url` shows it. */
  readonly originalUrl: string
  /** Address of the client; asked only where somebody counts it. */
  readonly clientAddress?: (() => string | undefined) | undefined
}

/** The handler as the entries of this package use it. */
export type FactHandler = (request: Request, facts: RequestFacts) => Promise<Response>

/** Extra behaviour of the stand-alone server. */
export interface HandlerInternals {
  /** In place of the host's own `authenticate`; unlike that, it is given requests that are not real ones yet. */
  readonly authenticate?: Authenticate
  /** The headers without what a function must not see. */
  readonly redact?: (headers: Headers) => Headers
  /** Aborted when the server begins to close: others should get what comes, and what would go on for ever ends. */
  readonly closing?: AbortSignal
  /** Whether anybody who reaches the handler may read the metrics. @default where there is no `authenticate` */
  readonly hasOpenMetrics?: boolean
}

/**
 * The whole HTTP API of a platform as one `(request) => response` function: `/api` for its owner, `/fn` for the callers of functions,
 * `/openapi.json` for those who read about them, `/mcp` for models that use them as tools.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function createHandler(platform: Platform, options?: HandlerOptions): Handler {
  const handle = createFactHandler(platform, options)
  // Frameworks may hand over other things beside the request.
  return async (request, facts) =>
    realResponse(await handle(request, { originalUrl: request.url, clientAddress: () => textOf(facts?.clientAddress) }))
}

/** `createHandler` for entries that know more than the request says. @throws PlatformError INVALID_OPTION */
export function createFactHandler(platform: Platform, options?: HandlerOptions, internals: HandlerInternals = {}): FactHandler {
  const { basePath, authenticate, uploadBytes, http } = resolveOptions(handlerOptionTable(platform), options)
  const own = authenticate ?? platform.options.authenticate
  const gate = createGate(platform, internals.authenticate ?? (own === undefined ? undefined : (request) => own(realRequest(request))))
  const api = createApiRoutes({ gate, uploadBytes, closing: internals.closing })
  const openApi = createOpenApiRoute(gate)
  const health = createHealthRoute(platform, () => internals.closing?.aborted === true)
  const redact = internals.redact ?? ((headers: Headers) => headers)
  const mcp = createMcpRoute({ gate, redact })
  const isOpen = internals.hasOpenMetrics ?? own === undefined
  const metrics = createMetricsRoute({ platform, isOpen })
  const functions = createFunctionRoute({ platform, gate, redact })
  const guard = createGuard(http, platform.options.logger)

  async function answer({ notes, ...passage }: Passage & { readonly notes: RequestNotes | undefined }): Promise<Response> {
    const { request, path, visit } = passage
    const { originalUrl } = passage.facts
    if (originalUrl !== request.url) refuseExtraSlashes(path, originalUrl)
    const isFunction = isFunctionPath(path)
    // No path of the API needs an escape, and `/%61pi` must not be another way past middleware that guards `/api`.
    if (!isFunction && path.includes('%')) throw notFound(`Cannot ${request.method} ${path}: there is no such route`)
    if (path.startsWith(healthPath)) return health(request, path)
    const counted = guard.admit(passage)
    if (counted !== undefined) await counted
    if (path === metricsPath) return metrics(request)
    if (path === mcpPath) return mcp(realRequest(request), { originalUrl, visit })
    if (path === openApiPath && http.docs) return openApi(request, { originalUrl, visit })
    const stripped = basePath === '' ? request : strip(request, path)
    return isFunction ? functions(stripped, { originalUrl, visit, notes }) : api(realRequest(stripped))
  }

  const watch = createRequestWatch(platform)

  /** What comes out of the routes, or the failure that they ended with. */
  async function pass(
    request: Request,
    path: string | undefined,
    facts: RequestFacts & { readonly notes: RequestNotes | undefined },
  ): Promise<Response> {
    const { notes } = facts
    const passage = { request, path: path ?? '', facts, visit: guard.begin() }
    try {
      if (path === undefined) throw notFound(`Cannot answer a request outside of ${basePath}`)
      const response = await answer({ ...passage, path, notes })
      return guard.finish(response, { ...passage, isOwn: !isFunctionPath(path) })
    } catch (error) {
      if (!(error instanceof PlatformError)) platform.options.logger?.error({ error: describe(error) }, 'Cannot answer a request: unexpected error')
      const response = problemResponse(error, { forOwner: passage.path.startsWith('/api') })
      if (passage.path.startsWith(relayPath)) addRelayError(response, error)
      return guard.finish(response, { ...passage, isOwn: true })
    }
  }

  return (request, facts) => {
    const path = pathBelow(locationOf(request).pathname, basePath)
    return watch(request, path, async (notes) => guard.preflight(request, path ?? '') ?? pass(request, path, { ...facts, notes }))
  }
}

/** Express 4 takes `/cordon//api` for `/api` below its mount: middleware that guards `/cordon/api` has not seen it. */
function refuseExtraSlashes(path: string, originalUrl: string): void {
  const spelled = new URL(originalUrl).pathname
  if (path !== '/' && spelled.endsWith(`/${path}`)) throw notFound('Cannot answer the request: its path has a slash too many')
}

function notFound(message: string): PlatformError {
  return new PlatformError('INVALID_OPTION', message, { details: { http: { status: 404 } } })
}

/** What of a path stands below a mount; `undefined` outside of it. */
export function pathBelow(pathname: string, basePath: string): string | undefined {
  if (basePath === '') return pathname
  if (pathname === basePath) return '/'
  return pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : undefined
}

function strip(request: Request, path: string): Request {
  const { origin, search } = locationOf(request)
  return requestAt(request, locate(origin, path + search))
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
