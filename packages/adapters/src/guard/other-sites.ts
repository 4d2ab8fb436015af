import { PlatformError } from '@cordon/contracts'
import type { KnowsOrigin } from './origins.ts'

/**
 * Refuses what a page of another site makes its visitor's browser send to the owner's API or the tools: the browser may hold his cookies, or
 * reach what the page cannot. Proxies change the scheme, so hosts are compared where the browser does not say how it sees the two.
 *
 * @throws PlatformError FORBIDDEN
 */
export function refuseOtherSites(request: Request, path: string, knows: KnowsOrigin): void {
  const origin = request.headers.get('origin')
  const site = request.headers.get('sec-fetch-site')
  const isSame = site === null ? origin === null || hostOf(origin) === new URL(request.url).host : site === 'same-origin' || site === 'none'
  if (isSame || (origin !== null && knows(origin))) return
  throw new PlatformError('FORBIDDEN', `Cannot use ${path} from a page of another site. Add its origin to http.cors.apiOrigins if it is yours`)
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
