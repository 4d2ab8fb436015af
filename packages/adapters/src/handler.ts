import {
  integer,
  invalidOption,
  optional,
  PlatformError,
  resolveOptions,
  type Authenticate,
  type OptionTable,
  type Platform,
} from '@cordon/contracts'
import { realRequest, realResponse, requestAt, urlOf } from './late/real.ts'
import { createRequestWatch, type RequestNotes } from './observe/request-watch.ts'
import { createApiRoutes } from './routes/api-routes.ts'
import { createGate } from './routes/caller.ts'
import { createFunctionRoute } from './routes/function-route.ts'
import { createHealthRoute, healthPath } from './routes/health-route.ts'
import { createMcpRoute, mcpPath } from './routes/mcp-route.ts'
import { createMetricsRoute, metricsPath } from './routes/metrics-route.ts'
import { createOpenApiRoute, openApiPath } from './routes/openapi-route.ts'
import { problemResponse } from './routes/problem.ts'

/** Options of `createHandler` and of the framework entries. */
export interface HandlerOptions {
  /** Path under which the handler is mounted, for hosts that do not strip it: `/cordon`. @default '' */
  readonly basePath?: string | undefined
  /** Finds out who sent a request. @default the platform's own `authenticate` option */
  readonly authenticate?: Authenticate | undefined
  /** Largest deploy request in bytes: an upload may carry packages, so it may be larger than the payload of a call. @default 32000000 */
  readonly uploadBytes?: number | undefined
}

/** A web-standard handler. Never rejects: every failure is a problem+json reply. */
export type Handler = (request: Request) => Promise<Response>

/** What the entries of this package know besides the request. */
export interface RequestFacts {
  /** URL as the client sent it, mount path and all; `ctx.request.url` shows it. */
  readonly originalUrl: string
}

/** The handler as the entries of this package use it. */
export type FactHandler = (request: Request, facts: RequestFacts) => Promise<Response>

/** Extra behaviour of the stand-alone server. */
export interface HandlerInternals {
  /** Takes out of the headers what a function must not see. */
  readonly redact?: (headers: Headers) => void
  /** Aborted when the server begins to close: others should get what comes, and what would go on for ever ends. */
  readonly closing?: AbortSignal
  /** Whether anybody who reaches the handler may read the metrics. @default where there is no `authenticate` */
  readonly hasOpenMetrics?: boolean
}

/** 32 MB: a bundle of a dozen ordinary packages is below 5 MB; beyond this an upload holds something else. */
const defaultUploadBytes = 32_000_000
const maxUploadBytes = 1_000_000_000

interface ResolvedHandlerOptions {
  readonly basePath: string
  readonly authenticate: Authenticate | undefined
  readonly uploadBytes: number
}

const handlerOptionTable: OptionTable<ResolvedHandlerOptions> = {
  basePath: {
    default: () => '',
    parse(value, path) {
      if (typeof value === 'string' && /^(\/[^/?#]+)*$/.test(value)) return value
      throw invalidOption(path, "a path such as '/cordon', without a slash at the end", value)
    },
  },
  authenticate: optional('a function', (value): value is Authenticate => typeof value === 'function'),
  uploadBytes: integer(defaultUploadBytes, { min: 0, max: maxUploadBytes }),
}

/**
 * The whole HTTP API of a platform as one `(request) => response` function: `/api` for its owner, `/fn` for the callers of functions,
 * `/openapi.json` for those who read about them, `/mcp` for models that use them as tools.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function createHandler(platform: Platform, options?: HandlerOptions): Handler {
  const handle = createFactHandler(platform, options)
  return async (request) => realResponse(await handle(request, { originalUrl: request.url }))
}

/** `createHandler` for entries that know more than the request says. @throws PlatformError INVALID_OPTION */
export function createFactHandler(platform: Platform, options?: HandlerOptions, internals: HandlerInternals = {}): FactHandler {
  const { basePath, authenticate, uploadBytes } = resolveOptions(handlerOptionTable, options)
  const gate = createGate(platform, authenticate ?? platform.options.authenticate)
  const api = createApiRoutes({ gate, uploadBytes, closing: internals.closing })
  const openApi = createOpenApiRoute(gate)
  const health = createHealthRoute(platform, () => internals.closing?.aborted === true)
  const { redact } = internals
  const mcp = createMcpRoute({ gate, redact: redact ?? (() => undefined) })
  const isOpen = internals.hasOpenMetrics ?? (authenticate ?? platform.options.authenticate) === undefined
  const metrics = createMetricsRoute({ platform, isOpen })
  const functions = createFunctionRoute({ platform, gate, redact })

  const watch = createRequestWatch(platform)

  async function answer(request: Request, path: string | undefined, { originalUrl, notes }: RequestFacts & { notes: RequestNotes | undefined }) {
    const isFunction = path === '/fn' || path?.startsWith('/fn/') === true
    try {
      if (path === undefined) throw notFound(`Cannot answer a request outside of ${basePath}`)
      if (originalUrl !== request.url) refuseExtraSlashes(path, originalUrl)
      // No path of the API needs an escape, and `/%61pi` must not be another way past middleware that guards `/api`.
      if (!isFunction && path.includes('%')) throw notFound(`Cannot ${request.method} ${path}: there is no such route`)
      if (path === mcpPath) return await mcp(realRequest(request), originalUrl)
      if (path.startsWith(healthPath)) return await health(request, path)
      if (path === metricsPath) return await metrics(request)
      if (path === openApiPath) return await openApi(request, originalUrl)
      const stripped = basePath === '' ? request : strip(request, path)
      return isFunction ? await functions(stripped, originalUrl, notes) : await api(realRequest(stripped))
    } catch (error) {
      if (!(error instanceof PlatformError)) platform.options.logger?.error({ error: describe(error) }, 'Cannot answer a request: unexpected error')
      return problemResponse(error, { forOwner: path?.startsWith('/api') === true })
    }
  }

  return (request, { originalUrl }) => {
    const path = pathBelow(urlOf(request).pathname, basePath)
    return watch(request, path, (notes) => answer(request, path, { originalUrl, notes }))
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
  const url = urlOf(request)
  // Joined as text: a path that begins with two slashes must not be read as a host.
  return requestAt(request, new URL(url.origin + path + url.search))
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
