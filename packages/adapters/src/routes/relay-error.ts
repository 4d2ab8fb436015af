import { PlatformError } from '@cordon/contracts'

/** Where the paths begin that clients of Supabase call. */
export const relayPath = '/functions/v1/'

/** Their clients tell a failure of the platform from one of the function by this header (`FunctionsRelayError`). */
export function addRelayError(response: Response, thrown: unknown): void {
  const isPlatforms = !(thrown instanceof PlatformError) || thrown.origin === 'platform'
  if (isPlatforms && response.status >= 500) response.headers.set('x-relay-error', 'true')
}
