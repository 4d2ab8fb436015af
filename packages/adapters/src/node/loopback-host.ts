import { PlatformError } from '@cordon/contracts'

/** Names under which a server on the loopback interface is reached. */
const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Refuses requests to the owner's API by a name that is none of this machine's: a page whose own name was rebound to 127.0.0.1 is of the same
 * origin as the server for its browser.
 *
 * @throws PlatformError FORBIDDEN
 */
export function checkHost(request: Request, listensOn: string): void {
  const { hostname } = new URL(request.url)
  if (!isLoopbackHost(listensOn) || loopbackNames.has(hostname) || hostname === listensOn) return
  throw new PlatformError('FORBIDDEN', `Cannot use the API as "${hostname}": this server listens on ${listensOn} only`)
}

/** True for addresses and names that only this machine can reach. */
function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
