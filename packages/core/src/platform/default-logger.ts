import type { Logger } from '@cordon/contracts'

/** Warnings and errors as one line each on stderr; the rest is silent. */
export function createDefaultLogger(): Logger {
  return {
    debug() {},
    info() {},
    warn: (fields, message) => write('warning', fields, message),
    error: (fields, message) => write('error', fields, message),
  }
}

function write(level: string, fields: Readonly<Record<string, unknown>>, message: string): void {
  const data = Object.keys(fields).length === 0 ? '' : ` ${safeJson(fields)}`
  // Messages can repeat what functions and uploads say: no line breaks, no escape sequences.
  const line = `cordon ${level}: ${message}${data}`.replace(/[\p{Cc}\p{Cf}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`)
  process.stderr.write(`${line}\n`)
}

function safeJson(fields: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(fields)
  } catch {
    return ''
  }
}
