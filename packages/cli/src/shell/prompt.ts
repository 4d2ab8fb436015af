import { createInterface } from 'node:readline'
import type { ExitCode } from '../exit-code.ts'
import type { Shell } from './shell.ts'

/** Reads lines from the terminal until it ends or is told to. An error is printed and the next line is asked for. */
export async function runPrompt(shell: Shell): Promise<ExitCode> {
  const lines = createInterface({ input: process.stdin, output: process.stdout, historySize: 500 })
  let isRunning = false
  function ask(): void {
    lines.setPrompt(`${shell.database}${shell.isOpen ? '->' : '=>'} `)
    lines.prompt()
  }
  lines.on('SIGINT', () => {
    if (isRunning) void shell.cancel().catch(() => undefined)
    else {
      shell.clear()
      process.stdout.write('^C\n')
      ask()
    }
  })
  ask()
  try {
    // Lines that were pasted together wait in here for their turn.
    for await (const line of lines) {
      isRunning = true
      const outcome = await shell.line(line)
      isRunning = false
      if (outcome === 'quit') return 0
      ask()
    }
    process.stdout.write('\n')
    return 0
  } finally {
    lines.close()
  }
}
