import { PlatformError, type Platform } from '@cordon/contracts'

/** Serves `/health/live` and `/health/ready`. @throws PlatformError */
export type HealthRoute = (request: Request, path: string) => Promise<Response>

/** What the paths of the route begin with. */
export const healthPath = '/health/'

/**
 * Says whether this process lives, and whether requests should be sent to it. Anybody may ask, so the reply has nothing but names of checks
 * that are always the same; its form is that of the draft "Health Check Response Format for HTTP APIs" (draft-inadarei-api-health-check).
 */
export function createHealthRoute(platform: Platform, isClosing: () => boolean = () => false): HealthRoute {
  return async (request, path) => {
    if (path !== '/health/live' && path !== '/health/ready') throw unknown(request.method, path)
    if (request.method !== 'GET' && request.method !== 'HEAD') throw notAllowed(request.method, path)
    if (path === '/health/live') return reply(request, true)
    const { isReady, checks } = await platform.health()
    const isOpen = checks.platform && !isClosing()
    return reply(request, isReady && isOpen, { ...checks, platform: isOpen })
  }
}

function reply(request: Request, isGood: boolean, checks?: Readonly<Record<string, boolean>>): Response {
  const status = isGood ? 200 : 503
  const headers = { 'content-type': 'application/health+json', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }
  const details = Object.entries(checks ?? {}).map(([name, passes]) => [name, [{ status: wordOf(passes) }]])
  const body = { status: wordOf(isGood), ...(checks === undefined ? {} : { checks: Object.fromEntries(details) }) }
  return new Response(request.method === 'HEAD' ? null : JSON.stringify(body), { status, headers })
}

function wordOf(passes: boolean): 'pass' | 'fail' {
  return passes ? 'pass' : 'fail'
}

function unknown(method: string, path: string): PlatformError {
  const message = `Cannot ${method} ${path}: there is no such route. There are /health/live and /health/ready`
  return new PlatformError('INVALID_OPTION', message, { details: { http: { status: 404 } } })
}

function notAllowed(method: string, path: string): PlatformError {
  return new PlatformError('INVALID_OPTION', `Cannot ${method} ${path}: expected GET`, {
    details: { http: { status: 405, allow: 'GET, HEAD' } },
  })
}
