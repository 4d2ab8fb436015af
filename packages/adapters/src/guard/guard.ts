import type { HttpOptions, Logger } from '@cordon/contracts'
import { mcpPath } from '../routes/mcp-route.ts'
import { metricsPath } from '../routes/metrics-route.ts'
import { clientAddressOf } from './client-address.ts'
import { createCrossOrigin, type Audience } from './cross-origin.ts'
import { createOrigins } from './origins.ts'
import { refuseOtherSites } from './other-sites.ts'
import { createRateLimits, type Visit } from './rate-limits.ts'
import { addMissing, createSecurityHeaders } from './security-headers.ts'

/** A request on its way through the handler. */
export interface Passage {
  readonly request: Request
  /** Path below the mount. */
  readonly path: string
  readonly facts: { readonly originalUrl: string; readonly clientAddress?: (() => string | undefined) | undefined }
  /** `undefined` when nothing is limited. */
  readonly visit: Visit | undefined
}

/** What stands between the network and the routes. */
export interface Guard {
  /** Answers for the route when a browser asks what a page may do. */
  preflight(request: Request, path: string): Response | undefined
  begin(): Visit | undefined
  /**
   * `undefined` where there is nothing to wait for, which is how it is when nothing is limited.
   *
   * @throws PlatformError FORBIDDEN for the owner's routes from a page of another site, OVERLOADED when the address has sent too many requests
   */
  admit(passage: Passage): Promise<void> | undefined
  /** Adds the headers that browsers and clients shall have. `isOwn`: the platform itself has answered, no HTTP function. */
  finish(response: Response, passage: Passage & { readonly isOwn: boolean }): Response
}

/** Creates the guard of one handler from the option `http`. */
export function createGuard(http: HttpOptions, logger: Logger | undefined): Guard {
  const crossOrigin = createCrossOrigin(http.cors)
  const isOwnersOrigin = createOrigins(http.cors.apiOrigins)
  const security = createSecurityHeaders(http)
  const beginVisit = createRateLimits(http.rateLimit)
  let isWarned = false

  async function countAddress({ request, facts, visit }: Passage): Promise<void> {
    const { trustProxy } = http
    const forwardedFor = request.headers.get('x-forwarded-for')
    const address = facts.clientAddress?.() ?? clientAddressOf({ forwardedFor, socketAddress: undefined, trustProxy })
    if (address !== undefined) return visit?.count('address', address)
    if (!isWarned && http.rateLimit.perAddress !== undefined)
      logger?.warn({}, 'Cannot limit requests by client address: this handler does not know it. Give it as handler(request, { clientAddress })')
    isWarned = true
  }

  return {
    preflight: (request, path) => crossOrigin?.preflight(request, audienceOf(path)),
    begin: () => beginVisit?.(),
    admit(passage) {
      const { request, path, visit } = passage
      if (audienceOf(path) === 'owner') refuseOtherSites(request, path, isOwnersOrigin)
      return visit === undefined ? undefined : countAddress(passage)
    },
    finish(response, { request, path, facts, visit, isOwn }) {
      const { headers } = response
      crossOrigin?.mark(headers, request, audienceOf(path))
      visit?.mark(headers)
      if (isOwn) addMissing(headers, security.own)
      if (facts.originalUrl.startsWith('https:')) addMissing(headers, security.secure)
      return response
    },
  }
}

/** What the owner and his programs use; pages of other sites have no business there. */
const ownersPaths = ['/api', mcpPath, metricsPath]

function audienceOf(path: string): Audience {
  return ownersPaths.some((one) => path.startsWith(one)) ? 'owner' : 'callers'
}
