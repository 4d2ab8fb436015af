import type { Authenticate } from '@cordon/contracts'
import { bearerCheck } from '../routes/bearer.ts'

/** Lets only the bearer of `token` in. */
export function bearerOf(token: string): Authenticate {
  const isBearer = bearerCheck(token)
  return (request) => (isBearer(request) ? { user: { id: 'owner' } } : null)
}

/** Takes the owner's token out of the headers that a function sees. */
export function withoutToken(token: string): (headers: Headers) => void {
  return (headers) => {
    if (headers.get('authorization')?.includes(token) === true) headers.delete('authorization')
  }
}
