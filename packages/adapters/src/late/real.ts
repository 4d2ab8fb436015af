import { LateHeaders } from './late-headers.ts'
import { LateRequest } from './late-request.ts'
import { LateResponse } from './late-response.ts'
import type { Location } from './location.ts'

/** What the code of others is given: a request of the platform `fetch` itself. */
export function realRequest(request: Request): Request {
  return request instanceof LateRequest ? request.real : request
}

/** What the code of others is given: a response of the platform `fetch` itself. */
export function realResponse(response: Response): Response {
  return response instanceof LateResponse ? response.real : response
}

/** The parsed URL of a request. */
export function locationOf(request: Request): Location {
  return request instanceof LateRequest ? request.location : new URL(request.url)
}

/** The same request at another URL. */
export function requestAt(request: Request, location: Location): Request {
  return request instanceof LateRequest ? request.at(location) : new Request(location.href, request)
}

/** Headers as an object, in any order. */
export function recordOf(headers: Headers): Readonly<Record<string, string>> {
  return (headers instanceof LateHeaders ? headers.untouched : undefined) ?? Object.fromEntries(headers)
}
