import { createTerminal } from './output/terminal.ts'
import { escapeText } from './output/escape.ts'
import { describeFailure, type ExitCode } from './exit-code.ts'

/** Runs the command line; resolves with the exit code. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  const terminal = createTerminal(argv)
  try {
    if (argv[0] === 'complete') return await printCompletions(argv.slice(argv[1] === '--' ? 2 : 1))
    const { createProgram } = await import('./program/program.ts')
    return await createProgram(terminal).run(argv)
  } catch (error) {
    const { exitCode, message } = describeFailure(error)
    terminal.note(terminal.colors.red(escapeText(message)))
    return exitCode
  }
}

/** For the scripts of `cordon completion`, not for people: no command of the help. */
async function printCompletions(words: readonly string[]): Promise<ExitCode> {
  const { complete } = await import('./completion/complete.ts')
  for (const line of await complete(words)) process.stdout.write(`${line}\n`)
  return 0
}
