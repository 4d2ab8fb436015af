/** Milliseconds since 1970 as `2026-01-31 12:00:00` (UTC); empty for what is none. */
export function formatTime(time: unknown): string {
  return isoOf(time).slice(0, 19).replace('T', ' ')
}

/** The time of day of it, `12:00:00.123` (UTC). */
export function formatClock(time: unknown): string {
  return isoOf(time).slice(-13, -1)
}

function isoOf(time: unknown): string {
  // Beyond this, no Date can be made (ECMA-262, 21.4.1.1).
  return typeof time === 'number' && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : ''
}
