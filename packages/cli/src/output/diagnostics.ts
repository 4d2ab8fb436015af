import { isRecord } from '@cordon/contracts'
import { escapeLine, escapeText } from './escape.ts'
import type { Terminal } from './terminal.ts'

/** Renders the diagnostics of an answer: place, rule, message and the frame of code; how many there are, when it is more than one. */
export function formatDiagnostics(diagnostics: unknown, { colors }: Pick<Terminal, 'colors'>): string {
  if (!Array.isArray(diagnostics)) return ''
  const all = diagnostics.filter((one) => isRecord(one))
  const errors = all.filter((one) => one['severity'] === 'error').length
  const blocks = all.map((one) => formatDiagnostic(one, colors))
  if (all.length > 1) blocks.push([counted(errors, 'error'), counted(all.length - errors, 'warning')].filter((text) => text !== '').join(', '))
  return blocks.join('\n\n')
}

function formatDiagnostic(one: Record<string, unknown>, colors: Terminal['colors']): string {
  const file = escapeLine(textOf(one['file']))
  const line = Number(one['line'])
  const place = line > 0 ? `${file}:${line}:${Number(one['column'])}` : file
  const severity = one['severity'] === 'error' ? colors.red('error') : colors.yellow('warning')
  const head = `${place === '' ? '' : `${colors.cyan(place)} `}${severity} ${colors.dim(escapeLine(textOf(one['rule'])))}`
  const frame = escapeText(textOf(one['frame']))
  const paint = one['severity'] === 'error' ? colors.red : colors.yellow
  const lines = frame === '' ? [] : frame.split('\n').map((text) => `  ${paintLine(text, { dim: colors.dim, paint })}`)
  return [head, `  ${escapeText(textOf(one['message']))}`, ...lines].join('\n')
}

/** What leads to the place stands out; the lines around it and the numbers do not. */
function paintLine(line: string, { dim, paint }: { dim: (text: string) => string; paint: (text: string) => string }): string {
  const [, mark = '', number = '', code = ''] = /^([> ])( *\d* \|)(.*)$/.exec(line) ?? []
  if (number === '') return line
  if (mark === '>') return paint('>') + dim(number) + code
  return /^ *\^+$/.test(code) ? dim(` ${number}`) + paint(code) : dim(` ${number}${code}`)
}

function counted(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
