import { isRecord } from '@cordon/contracts'
import { escapeText } from './escape.ts'
import type { Terminal } from './terminal.ts'

/** Renders the diagnostics of an answer: place, rule, message and the frame of code. */
export function formatDiagnostics(diagnostics: unknown, { colors }: Pick<Terminal, 'colors'>): string {
  if (!Array.isArray(diagnostics)) return ''
  return diagnostics
    .filter((one) => isRecord(one))
    .map((one) => {
      const file = textOf(one['file'])
      const line = Number(one['line'])
      const place = line > 0 ? `${file}:${line}:${Number(one['column'])}` : file
      const severity = one['severity'] === 'error' ? colors.red('error') : colors.yellow('warning')
      const head = `${place === '' ? '' : `${colors.cyan(place)} `}${severity} ${colors.dim(textOf(one['rule']))}`
      const frame = textOf(one['frame'])
      return [head, `  ${textOf(one['message'])}`, ...(frame === '' ? [] : [indent(frame)])].join('\n')
    })
    .join('\n\n')
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? escapeText(value) : ''
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ')
}
