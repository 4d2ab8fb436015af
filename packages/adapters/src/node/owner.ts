import type { Authenticate } from '@cordon/contracts'
import { realRequest } from '../late/real.ts'
import { bearerCheck } from '../routes/bearer.ts'

/** Lets the bearer of `token` in as the owner, and whoever `otherwise` knows. Whoever can read the token can read the data directory: it is no more than they have. */
export function bearerOf(token: string, otherwise: Authenticate = () => null): Authenticate {
  const isBearer = bearerCheck(token)
  return (request) => (isBearer(request) ? { user: { id: 'owner' } } : otherwise(realRequest(request)))
}

/** Takes the owner's token out of the headers that a function sees. */
export function withoutToken(token: string): (headers: Headers) => Headers {
  return (headers) => {
    if (headers.get('authorization')?.includes(token) !== true) return headers
    const rest = new Headers(headers)
    rest.delete('authorization')
    return rest
  }
}
