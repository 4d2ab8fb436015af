import type { Platform } from '@cordon/contracts'
import type { Context } from 'hono'
import { routePath } from 'hono/route'
import { createFactHandler, type HandlerOptions } from '../handler.ts'

/** A handler for `app.all`. Never rejects. */
export type HonoHandler = (context: Context) => Promise<Response>

/**
 * The HTTP API as a Hono handler: `app.all('/cordon/*', honoAdapter(platform))`. What the route has in front of its `*` is the mount, so
 * the same handler works below `app.route` and `app.basePath`. Middleware in front of it may have read the body.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function honoAdapter(platform: Platform, options?: HandlerOptions): HonoHandler {
  const handle = createFactHandler(platform, options)
  return async (context) => {
    const { raw } = context.req
    const url = new URL(raw.url)
    const mountSegments = options?.basePath === undefined ? routePath(context).split('/').length - 2 : 0
    // Joined as text: a path that begins with two slashes must not be read as a host.
    const target = `${url.origin}/${url.pathname
      .split('/')
      .slice(mountSegments + 1)
      .join('/')}${url.search}`
    return handle(await requestFor(target, context), { originalUrl: raw.url })
  }
}

/** The request below the mount, with the body that Hono has kept when somebody read it. */
async function requestFor(target: string, { req }: Context): Promise<Request> {
  const { raw } = req
  if (!raw.bodyUsed) return new Request(target, raw)
  const headers = new Headers(raw.headers)
  // The body is written anew: its old length is no longer true.
  headers.delete('content-length')
  return new Request(target, { method: raw.method, headers, body: await req.arrayBuffer(), signal: raw.signal })
}
