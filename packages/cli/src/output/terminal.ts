import picocolors from 'picocolors'

/** Where a command writes. Colours are decided per stream; NO_COLOR and FORCE_COLOR are honoured. */
export interface Terminal {
  readonly colors: ReturnType<typeof picocolors.createColors>
  /** The result of the command, with a line feed. */
  print(text: string): void
  /** Everything that is not the result, with a line feed. */
  note(text: string): void
}

/** The terminal of this process. A reader that goes away (`cordon logs | head`) ends the command quietly. */
export function createTerminal(): Terminal {
  const isPlain = process.env['NO_COLOR'] !== undefined && process.env['NO_COLOR'] !== ''
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exitCode = 0
    process.kill(process.pid, 'SIGTERM')
  })
  return {
    colors: picocolors.createColors(!isPlain && (process.stdout.isTTY || process.env['FORCE_COLOR'] !== undefined)),
    print: (text) => void process.stdout.write(`${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
  }
}
