/** The parts of a URL that routes look at; every `URL` has them. */
export interface Location {
  readonly href: string
  readonly origin: string
  readonly pathname: string
  readonly search: string
}

/** Characters that no parser of URLs changes (URL standard, "path percent-encode set" and "special-query percent-encode set"). */
const plain = /^\/[\w\-.~/]*(?:\?[\w\-.~/=&+%]*)?$/

/**
 * What `new URL(origin + target)` says, without parsing what it would not change: that takes 2 µs (Node 20). `target` is path and query.
 *
 * @throws TypeError when it is no URL
 */
export function locate(origin: string, target: string): Location {
  // Joined as text: a path that begins with two slashes must not be read as a host. Dots may be steps up and down.
  if (!plain.test(target) || target.includes('/.')) return new URL(origin + target)
  const queryStart = target.indexOf('?')
  if (queryStart === -1) return { href: origin + target, origin, pathname: target, search: '' }
  const search = target.slice(queryStart)
  // A URL says nothing of a query that is empty, but keeps its question mark.
  return { href: origin + target, origin, pathname: target.slice(0, queryStart), search: search === '?' ? '' : search }
}
