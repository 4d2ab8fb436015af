import type { Logger, LogOptions } from '@cordon/contracts'
import { Redaction } from './redact.ts'

type Level = keyof Logger
type Fields = Readonly<Record<string, unknown>>
/** Writes one line. */
type Write = (level: Level, fields: Fields, message: string) => void

const levels = ['debug', 'info', 'warn', 'error'] as const
const stderr = 2
/** Lines that wait until the writer is loaded, and bytes that wait for stderr; what comes beyond is lost. */
const maxLines = 1000
const maxBytes = 1_000_000

/**
 * The platform's own messages as lines on stderr. Never throws and never waits: a reader that stops reading, or goes away, costs lines and nothing
 * else. `secrets` are values that no line may show.
 */
export function createDefaultLogger({ level, format }: LogOptions, secrets: readonly string[]): Logger {
  const redaction = new Redaction(secrets)
  const isText = format === 'text' || (format === 'auto' && process.stderr.isTTY)
  const least = level === 'silent' ? levels.length : levels.indexOf(level)
  const write = lateWriter(isText)
  const logger = (of: Level) =>
    levels.indexOf(of) < least ? () => undefined : (fields: Fields, message: string) => write(of, redaction.fields(fields), redaction.text(message))
  return { debug: logger('debug'), info: logger('info'), warn: logger('warn'), error: logger('error') }
}

/** pino is loaded by the first line: most hosts write none for long. Lines keep their order. */
function lateWriter(isText: boolean): Write {
  const waiting: Parameters<Write>[] = []
  let writer: Write | undefined
  return (...line) => {
    if (writer !== undefined) return writer(...line)
    if (waiting.length < maxLines) waiting.push(line)
    if (waiting.length > 1) return
    createWriter(isText).then(
      (loaded) => {
        writer = loaded
        for (const one of waiting.splice(0)) loaded(...one)
      },
      () => undefined,
    )
  }
}

async function createWriter(isText: boolean): Promise<Write> {
  const { pino } = await import('pino')
  const destination = pino.destination({ dest: stderr, sync: false, maxLength: maxBytes })
  // Nobody is left to be told that stderr cannot be written.
  destination.on('error', () => undefined)
  if (isText) return (level, fields, message) => void destination.write(textLine(level, fields, message))
  const lines = pino(
    { base: { name: 'cordon', pid: process.pid }, level: 'debug', formatters: { level: (label) => ({ level: label }) } },
    destination,
  )
  return (level, fields, message) => lines[level](fields, message)
}

function textLine(level: Level, fields: Fields, message: string): string {
  const data = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`
  const word = level === 'warn' ? 'warning' : level
  // Messages can repeat what functions and uploads say: no line breaks, no escape sequences.
  const line = `cordon ${word}: ${message}${data}`.replace(/[\p{Cc}\p{Cf}]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`)
  return `${line}\n`
}
