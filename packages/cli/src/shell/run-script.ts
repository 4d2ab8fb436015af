import type { ExitCode } from '../exit-code.ts'
import type { Shell } from './shell.ts'

/** Runs a script; ends at the first error, with its exit code. The last statement needs no semicolon. */
export async function runScript(shell: Shell, script: string): Promise<ExitCode> {
  for (const line of script.split(/\r?\n/)) {
    const outcome = await shell.line(line)
    if (outcome === 'quit') return 0
    if (outcome !== 0) return outcome
  }
  const outcome = await shell.flush()
  return outcome === 'quit' ? 0 : outcome
}
