import type { CorsOptions } from '@cordon/contracts'
import { createOrigins, type KnowsOrigin } from './origins.ts'

/** Whom a path serves: callers of functions, or the owner and his programs. */
export type Audience = 'callers' | 'owner'

/** Lets pages of other origins in (Fetch standard, "CORS protocol"). */
export interface CrossOrigin {
  /** The answer to a question that a browser asks before the request of a page; `undefined` when it is none, or not from an origin on the list. */
  preflight(request: Request, audience: Audience): Response | undefined
  /** Headers of a reply. A function that says itself who may read its reply is left alone. */
  mark(headers: Headers, request: Request, audience: Audience): void
}

/** Longest list of headers that is repeated to who asks for it, in characters. */
const maxAskedLength = 2000

/** `undefined` when no other origin is on any list: nothing is said then, and browsers keep their pages out. */
export function createCrossOrigin(options: CorsOptions): CrossOrigin | undefined {
  if (options.origins.length === 0 && options.apiOrigins.length === 0) return undefined
  const lists: Readonly<Record<Audience, KnowsOrigin>> = { callers: createOrigins(options.origins), owner: createOrigins(options.apiOrigins) }
  const takesAll = options.origins.includes('*')
  const exposed = options.exposeHeaders.join(', ')

  /** The origin to name, `*`, or nobody. */
  function allowed(request: Request, audience: Audience): string | undefined {
    if (takesAll && audience === 'callers') return '*'
    const origin = request.headers.get('origin')
    return origin !== null && lists[audience](origin) ? origin : undefined
  }

  function allow(headers: Headers, origin: string): void {
    headers.set('access-control-allow-origin', origin)
    if (options.credentials) headers.set('access-control-allow-credentials', 'true')
  }

  return {
    preflight(request, audience) {
      if (request.method !== 'OPTIONS' || !request.headers.has('origin') || !request.headers.has('access-control-request-method')) return undefined
      const origin = allowed(request, audience)
      if (origin === undefined) return undefined
      const headers = new Headers({ 'access-control-allow-methods': options.methods.join(', ') })
      allow(headers, origin)
      const asked = request.headers.get('access-control-request-headers')
      const granted = options.headers.includes('*') ? repeatable(asked) : options.headers.join(', ')
      if (granted !== '') headers.set('access-control-allow-headers', granted)
      headers.set('access-control-max-age', String(Math.floor(options.maxAgeMs / 1000)))
      headers.set('vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers')
      return new Response(null, { status: 204, headers })
    },
    mark(headers, request, audience) {
      const origin = allowed(request, audience)
      // Said to everybody: what a cache has kept for one origin, or for none, is not for another.
      if (origin !== '*') vary(headers, 'Origin')
      if (origin === undefined || headers.has('access-control-allow-origin')) return
      allow(headers, origin)
      if (exposed !== '' && !headers.has('access-control-expose-headers')) headers.set('access-control-expose-headers', exposed)
    },
  }
}

/** A list of names as a page asked for it; nothing of what is none. */
function repeatable(asked: string | null): string {
  return asked !== null && asked.length <= maxAskedLength && /^[\w!#$%&'*+.^`|~,\- \t]+$/.test(asked) ? asked : ''
}

function vary(headers: Headers, name: string): void {
  const before = (headers.get('vary') ?? '').split(',').map((one) => one.trim().toLowerCase())
  if (!before.includes('*') && !before.includes(name.toLowerCase())) headers.append('vary', name)
}
