import { stripVTControlCharacters } from 'node:util'
import picocolors from 'picocolors'
import { escapeLine, escapeNonAscii } from './escape.ts'

/** Where a command writes. What is not from the program itself has to be escaped before it comes here. */
export interface Terminal {
  readonly colors: ReturnType<typeof picocolors.createColors>
  /** The result of the command, with a line feed. */
  print(text: string): void
  /** Everything that is not the result, with a line feed. */
  note(text: string): void
  /** What the command is doing: one line of the terminal, which the next text takes the place of; nothing where standard error is no terminal. */
  status(text?: string): void
}

/**
 * The terminal of this process. Colours are decided for each of the two streams: `--no-color` and NO_COLOR turn them off, FORCE_COLOR on, else a
 * terminal has them. A reader that goes away (`cordon logs | head`) ends the command quietly.
 */
export function createTerminal(argv: readonly string[]): Terminal {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endQuietly)
  const out = createWriter(process.stdout, argv)
  const err = createWriter(process.stderr, argv)
  let isShown = false
  function status(text?: string): void {
    if (!process.stderr.isTTY || (text === undefined && !isShown)) return
    isShown = text !== undefined
    process.stderr.write(`\r\u001B[2K${escapeLine(text ?? '').slice(0, (process.stderr.columns || 80) - 1)}`)
  }
  return {
    colors: picocolors.createColors(out.isColored || err.isColored),
    print(text) {
      status()
      out.write(text)
    },
    note(text) {
      status()
      err.write(text)
    },
    status,
  }
}

function createWriter(stream: NodeJS.WriteStream, argv: readonly string[]): { readonly isColored: boolean; write(text: string): void } {
  const isColored = hasColors(stream, argv)
  const isAscii = stream.isTTY && !isUtf8()
  return {
    isColored,
    write(text) {
      const plain = isColored ? text : stripVTControlCharacters(text)
      stream.write(`${isAscii ? escapeNonAscii(plain) : plain}\n`)
    },
  }
}

function hasColors(stream: NodeJS.WriteStream, argv: readonly string[]): boolean {
  const { NO_COLOR: no = '', FORCE_COLOR: force, TERM: term } = process.env
  if (argv.includes('--no-color') || no !== '') return false
  if (force !== undefined) return force !== '0' && force !== 'false'
  return stream.isTTY && term !== 'dumb'
}

/** What the terminal takes, by the rule of POSIX (XBD 8.2): a byte of UTF-8 may be a control character elsewhere. */
function isUtf8(): boolean {
  const { LC_ALL: all, LC_CTYPE: type, LANG: lang } = process.env
  return process.platform === 'win32' || /utf-?8/i.test(all || type || lang || '')
}

function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exitCode = 0
  process.kill(process.pid, 'SIGTERM')
}
