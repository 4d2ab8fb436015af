import type { AnswerHead } from './answer.ts'
import type { ExchangeRequest } from './exchange.ts'

/** Redirects that are followed (Fetch standard, HTTP-redirect fetch). */
const maxRedirects = 20
const statuses: readonly number[] = [301, 302, 303, 307, 308]
/** Headers that describe a body (Fetch standard, request-body-header names). */
const bodyHeaders: readonly string[] = ['content-encoding', 'content-language', 'content-length', 'content-location', 'content-type']
/** Headers that are meant for one origin. */
const credentials: readonly string[] = ['authorization', 'cookie', 'proxy-authorization']

/** The request that follows from an answer, `undefined` when the answer is the one that is meant (Fetch standard, HTTP-redirect fetch). */
export function redirected(request: ExchangeRequest, { status, headers }: AnswerHead, count: number): ExchangeRequest | undefined {
  if (!statuses.includes(status)) return undefined
  const location = headers.find(([name]) => name.toLowerCase() === 'location')?.[1]
  if (location === undefined) return undefined
  if (request.redirect === 'error') throw new Error('unexpected redirect')
  if (count >= maxRedirects) throw new Error('redirect count exceeded')
  const url = parse(location, request.url)
  if (url.username !== '' || url.password !== '') throw new Error('the redirect has credentials in its URL')
  url.hash = ''
  const { method } = request
  const becomesGet = status === 303 ? method !== 'GET' && method !== 'HEAD' : status < 303 && method === 'POST'
  if (!becomesGet && request.body === 'stream') throw new Error('a body that was streamed cannot be sent again')
  const isElsewhere = url.origin !== request.url.origin
  const kept = request.headers.filter(([name]) => {
    if (becomesGet && bodyHeaders.includes(name)) return false
    return !(isElsewhere && (credentials.includes(name) || request.ofOrigin.includes(name)))
  })
  return { ...request, url, headers: kept, ...(becomesGet ? { method: 'GET', body: undefined } : {}) }
}

function parse(location: string, base: URL): URL {
  try {
    return new URL(location, base)
  } catch {
    throw new Error('the redirect leads to no URL')
  }
}
