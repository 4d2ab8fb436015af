import { PlatformError } from '@cordon/contracts'

/** Names under which a server on the loopback interface is reached. */
const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Refuses requests to the owner's API that a web page of another site made its visitor's browser send: by the
 * `Sec-Fetch-Site` and `Origin` headers, and (a name that was rebound to 127.0.0.1) by the `Host` header.
 *
 * @throws PlatformError FORBIDDEN
 */
export function checkSameSite(request: Request, listensOn: string): void {
  const url = new URL(request.url)
  const isLoopback = isLoopbackHost(listensOn)
  if (isLoopback && !loopbackNames.has(url.hostname) && url.hostname !== listensOn) {
    throw new PlatformError('FORBIDDEN', `Cannot use the API as "${url.hostname}": this server listens on ${listensOn} only`)
  }
  const origin = request.headers.get('origin')
  if (origin !== null && origin !== url.origin) throw new PlatformError('FORBIDDEN', 'Cannot use the API from a page of another site')
  const site = request.headers.get('sec-fetch-site')
  if (site !== null && site !== 'same-origin' && site !== 'none')
    throw new PlatformError('FORBIDDEN', 'Cannot use the API from a page of another site')
}

/** True for addresses and names that only this machine can reach. */
function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
