/** Whether an origin, as an `Origin` header has it, is on a list. */
export type KnowsOrigin = (origin: string) => boolean

/** Longest origin looked at, in characters: a DNS name (RFC 1035: 253), a scheme and a port. */
const maxLength = 300

/** Reads a list of origins as the options have it: whole origins, and `https://*.example.com` for every name below one. `*` is for the caller. */
export function createOrigins(list: readonly string[]): KnowsOrigin {
  const whole = new Set(list.filter((one) => !one.includes('*')))
  const below = list.flatMap((one) => {
    const [scheme, rest] = one.split('://*.', 2)
    return scheme === undefined || rest === undefined ? [] : [{ start: `${scheme}://`, end: `.${rest}` }]
  })
  return (origin) => {
    if (origin.length > maxLength) return false
    // Names only in between: anybody but a browser may write "https://evil.test/.example.com".
    return (
      whole.has(origin) ||
      below.some(({ start, end }) => origin.startsWith(start) && origin.endsWith(end) && /^[\w.-]+$/.test(origin.slice(start.length, -end.length)))
    )
  }
}
