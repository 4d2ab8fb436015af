import { createTerminal } from './output/terminal.ts'
import { escapeText } from './output/escape.ts'
import { describeFailure, type ExitCode } from './exit-code.ts'
import { createProgram } from './program/program.ts'

/** Runs the command line; resolves with the exit code. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  const terminal = createTerminal(argv)
  try {
    return await createProgram(terminal).run(argv)
  } catch (error) {
    const { exitCode, message } = describeFailure(error)
    terminal.note(terminal.colors.red(escapeText(message)))
    return exitCode
  }
}
