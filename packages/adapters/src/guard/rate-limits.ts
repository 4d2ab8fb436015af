import { PlatformError, type RateLimitOptions } from '@cordon/contracts'
import { networkOf } from './client-address.ts'
import { Counter, type Count } from './counter.ts'

/** Whose limit it is. */
export type RateScope = 'address' | 'tenant' | 'function'

/** The limits that one request has met. */
export interface Visit {
  /** Counts the request against a limit, if there is one. @throws PlatformError OVERLOADED with `details.scope` and `details.retryAfterMs` */
  count(scope: RateScope, key: string): Promise<void>
  /** Says in a reply how it stands to the limits it has met. */
  mark(headers: Headers): void
}

/** Begins to count a request. */
export type BeginVisit = () => Visit

/** Keys remembered for each limit: about 60 MB when they all are in use. */
const maxKeys = 100_000

const subjects: Readonly<Record<RateScope, string>> = {
  address: 'this client address',
  tenant: 'the functions of this tenant',
  function: 'this function',
}

/** `undefined` when nothing is limited. Every handler counts for itself, in the memory of its process. */
export function createRateLimits(options: RateLimitOptions): BeginVisit | undefined {
  const { windowMs, perAddress, perTenant, perFunction } = options
  const limits = new Map<RateScope, { limit: number; counter: Counter }>()
  for (const [scope, limit] of [
    ['address', perAddress],
    ['tenant', perTenant],
    ['function', perFunction],
  ] as const)
    if (limit !== undefined) limits.set(scope, { limit, counter: new Counter({ limit, windowMs, maxKeys }) })
  if (limits.size === 0) return undefined
  const seconds = Math.ceil(windowMs / 1000)

  return () => {
    const met = new Map<RateScope, Count & { limit: number }>()
    return {
      async count(scope, key) {
        const found = limits.get(scope)
        if (found === undefined) return
        const count = await found.counter.count(scope === 'address' ? networkOf(key) : key)
        met.set(scope, { ...count, limit: found.limit })
        if (!count.isAllowed) throw tooMany(scope, { limit: found.limit, windowMs, retryAfterMs: count.resetMs })
      },
      mark(headers) {
        if (met.size === 0) return
        // Appended: a function may have limits of its own, and both fields are lists (draft-ietf-httpapi-ratelimit-headers-10).
        headers.append('ratelimit-policy', Array.from(met, ([scope, { limit }]) => `"${scope}";q=${limit};w=${seconds}`).join(', '))
        headers.append(
          'ratelimit',
          Array.from(met, ([scope, { remaining, resetMs }]) => `"${scope}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`).join(', '),
        )
      },
    }
  }
}

function tooMany(scope: RateScope, details: { limit: number; windowMs: number; retryAfterMs: number }): PlatformError {
  const wait = Math.ceil(details.retryAfterMs / 1000)
  return new PlatformError(
    'OVERLOADED',
    `Cannot answer the request: ${subjects[scope]} may have ${details.limit} requests in ${details.windowMs / 1000} s. Try again in ${wait} s`,
    { details: { scope, ...details } },
  )
}
