/** Milliseconds since 1970 as `2026-01-31 12:00:00` (UTC); empty for what is none. */
export function formatTime(time: unknown): string {
  // Beyond this, no Date can be made (ECMA-262, 21.4.1.1).
  return typeof time === 'number' && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString().slice(0, 19).replace('T', ' ') : ''
}
