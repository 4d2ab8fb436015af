import { createHash } from 'node:crypto'
import type { Bundle } from '@cordon/contracts'

/**
 * Code that runs in the sandbox before that of the function and makes `Date` stand still. The prototype stays the same, so that
 * `instanceof Date` is true of dates from before and after. On one line, because lines are what source maps count.
 */
function prelude(now: number): string {
  return (
    `(() => { const now = ${now}, proxy = new Proxy(Date, { ` +
    'construct: (date, values, made) => Reflect.construct(date, values.length === 0 ? [now] : values, made), ' +
    'apply: (date) => new date(now).toString(), ' +
    "get: (date, key, self) => key === 'now' ? readNow : Reflect.get(date, key, self) }); " +
    'const readNow = { now: () => now }.now; ' +
    "Object.defineProperty(Date.prototype, 'constructor', { value: proxy }); globalThis.Date = proxy; })(); "
  )
}

/** The code of a function, for which it is always `now`: milliseconds since 1970. */
export function withClock(bundle: Bundle, now: number): Bundle {
  const code = prelude(now) + bundle.code
  return { ...bundle, code, hash: createHash('sha256').update(code).digest('hex') }
}
