import { createHash } from 'node:crypto'
import { PlatformError, type Platform } from '@cordon/contracts'
import { writeDocument } from '../openapi/document.ts'
import type { Gate } from './caller.ts'
import { fingerprintOf, visibleFunctions } from './visible-functions.ts'

/** Serves `GET /openapi.json`. @throws PlatformError */
export type OpenApiRoute = (request: Request, originalUrl: string) => Promise<Response>

interface Cached {
  readonly fingerprint: string
  readonly text: Promise<string>
}

/** Documents kept per platform: one for strangers, one for known callers, and a second mount. */
const maxDocuments = 4

/** The path of the route. */
export const openApiPath = '/openapi.json'

/** Describes the functions that the caller may call. Written again only when one of them changes. */
export function createOpenApiRoute(gate: Gate): OpenApiRoute {
  const byPlatform = new WeakMap<Platform, Map<string, Cached>>()
  return async (request, originalUrl) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw notAllowed(request.method)
    const caller = await gate.forFunction(request)
    const functions = await visibleFunctions(caller)
    const mount = mountOf(originalUrl)
    const fingerprint = fingerprintOf(functions)
    const etag = `"${createHash('sha256').update(`${mount}\n${fingerprint}`).digest('base64url').slice(0, 22)}"`
    const headers = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'cache-control': 'private, no-cache', etag }
    if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
    const { platform } = caller
    const cache = byPlatform.get(platform) ?? new Map<string, Cached>()
    byPlatform.set(platform, cache)
    const key = `${mount} ${String(caller.mayCall('authenticated'))}`
    let cached = cache.get(key)
    if (cached?.fingerprint !== fingerprint) {
      const text = writeDocument({ platform, functions, mount })
      cached = { fingerprint, text }
      // A failure is for those who wait for it now; the next request tries again.
      text.catch(() => cache.delete(key))
      cache.delete(key)
      cache.set(key, cached)
      const oldest = cache.keys().next()
      if (cache.size > maxDocuments && oldest.done !== true) cache.delete(oldest.value)
    }
    return new Response(request.method === 'HEAD' ? null : await cached.text, { headers })
  }
}

/** The path in front of the route, as the client sees it. */
function mountOf(originalUrl: string): string {
  const { pathname } = new URL(originalUrl)
  return pathname.endsWith(openApiPath) ? pathname.slice(0, -openApiPath.length) : ''
}

function notAllowed(method: string): PlatformError {
  return new PlatformError('INVALID_OPTION', `Cannot ${method} ${openApiPath}: expected GET`, {
    details: { http: { status: 405, allow: 'GET, HEAD' } },
  })
}
