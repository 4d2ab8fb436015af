import { getOwnDescriptor } from './primordials.ts'

/**
 * Loads what HTTP functions need. Node does so when `Response` is first used: 20 to 60 ms and 5 MB of private memory, because its
 * client for HTTP comes along. Functions that have put a `Response` of their own in place do not need it.
 */
export function warmUpHttp(): void {
  if (getOwnDescriptor(globalThis, 'Response')?.get === undefined) return
  void new Response('', { headers: { 'content-type': 'text/plain' } })
}
