import { LateHeaders } from './late-headers.ts'
import { LateRequest } from './late-request.ts'
import { LateResponse } from './late-response.ts'

/** What the code of others is given: a request of the platform `fetch` itself. */
export function realRequest(request: Request): Request {
  return request instanceof LateRequest ? request.real : request
}

/** What the code of others is given: a response of the platform `fetch` itself. */
export function realResponse(response: Response): Response {
  return response instanceof LateResponse ? response.real : response
}

/** The parsed URL of a request. */
export function urlOf(request: Request): URL {
  return request instanceof LateRequest ? request.location : new URL(request.url)
}

/** The same request at another URL. */
export function requestAt(request: Request, url: URL): Request {
  return request instanceof LateRequest ? request.at(url) : new Request(url, request)
}

/** Names and values of headers, in any order. */
export function pairsOf(headers: Headers): Iterable<[string, string]> {
  return (headers instanceof LateHeaders ? headers.untouched : undefined) ?? headers
}
