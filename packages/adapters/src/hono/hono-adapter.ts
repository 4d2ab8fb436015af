import { isRecord, PlatformError, type Platform } from '@cordon/contracts'
import { clientAddressOf } from '../guard/client-address.ts'
import { resolveHttp } from '../guard/http-options.ts'
import { createFactHandler } from '../handler.ts'
import type { HandlerOptions } from '../handler-options.ts'
import { realResponse } from '../late/real.ts'
import { problemResponse } from '../routes/problem.ts'

/** What is used of a Hono context. The host's Hono may be another version than the one that this package is written with. */
export interface HonoContext {
  /** What the server hands to Hono; with @hono/node-server it has the request of Node. */
  readonly env?: unknown
  readonly req: {
    readonly raw: Request
    /** The pattern that matched, with everything in front of it. */
    readonly routePath: string
    /** What was read of the body, by how it was read. */
    readonly bodyCache: { readonly arrayBuffer?: unknown; readonly formData?: unknown }
    arrayBuffer(): Promise<ArrayBuffer>
    formData(): Promise<FormData>
  }
}

/** A handler for `app.all`. Never rejects. */
export type HonoHandler = (context: HonoContext) => Promise<Response>

/**
 * The HTTP API as a Hono handler: `app.all('/cordon/*', honoAdapter(platform))`. What the route has in front of its `*` is the mount, so
 * the same handler works below `app.route` and `app.basePath`. Middleware in front of it may have read the body.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function honoAdapter(platform: Platform, options?: HandlerOptions): HonoHandler {
  const handle = createFactHandler(platform, options)
  const { trustProxy } = resolveHttp(platform, options)
  return async ({ req, env }) => {
    const { raw } = req
    const url = new URL(raw.url)
    const mountSegments = options?.basePath === undefined ? req.routePath.split('/').length - 2 : 0
    // Joined as text: a path that begins with two slashes must not be read as a host.
    const target = `${url.origin}/${url.pathname
      .split('/')
      .slice(mountSegments + 1)
      .join('/')}${url.search}`
    try {
      const clientAddress = () =>
        clientAddressOf({ forwardedFor: raw.headers.get('x-forwarded-for'), socketAddress: socketAddressOf(env), trustProxy })
      return realResponse(await handle(await requestFor(target, req), { originalUrl: raw.url, clientAddress }))
    } catch (error) {
      return problemResponse(error, { forOwner: false })
    }
  }
}

function socketAddressOf(env: unknown): string | undefined {
  const incoming = isRecord(env) ? env['incoming'] : undefined
  const socket = isRecord(incoming) ? incoming['socket'] : undefined
  const address = isRecord(socket) ? socket['remoteAddress'] : undefined
  return typeof address === 'string' ? address : undefined
}

/** The request below the mount, with the body that Hono has kept when somebody read it. */
async function requestFor(target: string, req: HonoContext['req']): Promise<Request> {
  const { raw } = req
  if (!raw.bodyUsed) return new Request(target, raw)
  const headers = new Headers(raw.headers)
  // The body is written anew: its old length is no longer true, and a form gets a boundary of its own.
  headers.delete('content-length')
  const isForm = req.bodyCache.formData !== undefined && req.bodyCache.arrayBuffer === undefined
  if (isForm) headers.delete('content-type')
  const body = await (isForm ? req.formData() : req.arrayBuffer()).catch((cause: unknown) => {
    throw new PlatformError(
      'INVALID_INPUT',
      'Cannot read the request body: middleware in front of the platform has read it and left nothing behind. Read it with the methods of c.req',
      { cause },
    )
  })
  return new Request(target, { method: raw.method, headers, body, signal: raw.signal })
}
