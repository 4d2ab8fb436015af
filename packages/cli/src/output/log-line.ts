import { isRecord } from '@cordon/contracts'
import { escapeLine } from './escape.ts'
import type { Terminal } from './terminal.ts'
import { formatClock } from './time.ts'

/** Renders one stored log entry on one line: time, level, function, message, fields, place in the source. */
export function formatLogEntry(entry: unknown, { colors }: Pick<Terminal, 'colors'>): string {
  if (!isRecord(entry)) return ''
  const time = formatClock(entry['time'])
  const level = String(entry['level'])
  const paint = level === 'error' ? colors.red : level === 'warn' ? colors.yellow : level === 'debug' ? colors.dim : colors.green
  const fields = isRecord(entry['fields']) ? ` ${colors.dim(escapeLine(JSON.stringify(entry['fields'])))}` : ''
  const location = typeof entry['location'] === 'string' ? ` ${colors.dim(`(${escapeLine(entry['location'])})`)}` : ''
  return `${colors.dim(time)} ${paint(escapeLine(level).padEnd(5))} ${colors.cyan(escapeLine(String(entry['function'])))} ${escapeLine(String(entry['message']))}${fields}${location}`
}
