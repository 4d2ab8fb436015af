import { createHash } from 'node:crypto'
import { PlatformError, type FunctionInfo, type Platform } from '@cordon/contracts'
import { writeDocument } from '../openapi/document.ts'
import type { Asked, Gate } from './caller.ts'
import { fingerprintOf, visibleFunctions } from './visible-functions.ts'

/** Serves `GET /openapi.json`. @throws PlatformError */
export type OpenApiRoute = (request: Request, asked: Asked) => Promise<Response>

/** A document, and what it says about which functions to whom. */
interface Written {
  readonly platform: Platform
  readonly mount: string
  readonly isKnown: boolean
  readonly fingerprint: string
  readonly text: Promise<string>
}

/** Documents kept for all tenants, those of the latest requests; each has up to some megabytes. */
const maxDocuments = 64

/** The path of the route. */
export const openApiPath = '/openapi.json'

/** Describes the functions that the caller may call. Written again only when one of them changes. */
export function createOpenApiRoute(gate: Gate): OpenApiRoute {
  let kept: readonly Written[] = []
  function documentOf(subject: Omit<Written, 'text'>, functions: readonly FunctionInfo[]): Promise<string> {
    const { platform, mount, isKnown, fingerprint } = subject
    const last = kept.find((one) => one.platform === platform && one.mount === mount && one.isKnown === isKnown)
    const others = kept.filter((one) => one !== last)
    const isFresh = last?.fingerprint === fingerprint
    const written = isFresh ? last : { ...subject, text: writeDocument({ platform, functions, mount }) }
    kept = [written, ...others].slice(0, maxDocuments)
    // A failure is for those who wait for it now; the next request tries again.
    if (!isFresh) written.text.catch(() => (kept = kept.filter((one) => one !== written)))
    return written.text
  }
  return async (request, { originalUrl, visit }) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw notAllowed(request.method)
    const caller = await gate.forFunction(request, visit)
    const functions = await visibleFunctions(caller)
    const mount = mountOf(originalUrl)
    const fingerprint = fingerprintOf(functions)
    const etag = `"${createHash('sha256').update(`${mount}\n${fingerprint}`).digest('base64url').slice(0, 22)}"`
    const headers = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'cache-control': 'private, no-cache', etag }
    if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
    const subject = { platform: caller.platform, mount, isKnown: caller.mayCall('authenticated'), fingerprint }
    const text = await documentOf(subject, functions)
    return new Response(request.method === 'HEAD' ? null : text, { headers })
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
