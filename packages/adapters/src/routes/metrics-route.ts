import { PlatformError, type Platform } from '@cordon/contracts'
import { bearerCheck } from './bearer.ts'

/** Serves `/metrics`. @throws PlatformError */
export type MetricsRoute = (request: Request) => Promise<Response>

/** What the route needs. */
export interface MetricsRouteOptions {
  readonly platform: Platform
  /** Whether they may be read without a token where the platform has none: something else stands in front. */
  readonly isOpen: boolean
}

/** The path of the route. */
export const metricsPath = '/metrics'

/** The format that Prometheus, and what reads like it, takes without being asked. */
const contentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Gives the metrics of the host to whoever has the token of the option `metrics`, or, where there is none, to who comes through what stands in front. */
export function createMetricsRoute({ platform, isOpen }: MetricsRouteOptions): MetricsRoute {
  const { token } = platform.options.metrics
  const mayRead = token === undefined ? (request: Request) => isOpen && !isForwarded(request) : bearerCheck(token)
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw notAllowed(request.method)
    if (!mayRead(request)) {
      const expected = token === undefined ? 'set the option metrics.token and send it' : 'send the token of the option metrics.token'
      throw new PlatformError('UNAUTHENTICATED', `Cannot read the metrics: ${expected} as Authorization: Bearer <token>`)
    }
    const text = request.method === 'HEAD' ? null : await platform.metrics()
    return new Response(text, { headers: { 'content-type': contentType, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' } })
  }
}

/** Strangers come through a proxy, and what reads metrics does not: a path that its configuration forgot shows them nothing. */
function isForwarded({ headers }: Request): boolean {
  return headers.has('x-forwarded-for') || headers.has('forwarded')
}

function notAllowed(method: string): PlatformError {
  return new PlatformError('INVALID_OPTION', `Cannot ${method} ${metricsPath}: expected GET`, {
    details: { http: { status: 405, allow: 'GET, HEAD' } },
  })
}
