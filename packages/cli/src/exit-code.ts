import { PlatformError, type ErrorCode } from '@cordon/contracts'

/** What the command says to the shell: 0 ok, 1 the function or the upload failed, 2 wrong usage, 3 the platform cannot be reached, 130 Ctrl-C at a question. */
export type ExitCode = 0 | 1 | 2 | 3 | 130

/** Failures that the person at the keyboard mends by typing something else. */
const usage: ReadonlySet<string> = new Set<ErrorCode>(['INVALID_OPTION', 'UNAUTHENTICATED', 'FORBIDDEN'])
/** The platform is there, but the machine or its database does not let it work. */
const unreachable: ReadonlySet<string> = new Set<ErrorCode>([
  'CLOSED',
  'SANDBOX_FAILED',
  'STORE_UNAVAILABLE',
  'DATA_DIR_IN_USE',
  'HARDENING_UNAVAILABLE',
])

/** The exit code of a failure with this code of the error table. */
export function exitCodeOf(code: string | undefined): ExitCode {
  if (code === undefined) return 3
  return usage.has(code) ? 2 : unreachable.has(code) ? 3 : 1
}

/** Ends a command: what to print on stderr and which code to exit with. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode

  constructor(message: string, exitCode: ExitCode) {
    super(message)
    this.name = 'CommandFailure'
    this.exitCode = exitCode
  }
}

/** Wrong usage: exit code 2. */
export function usageFailure(message: string): CommandFailure {
  return new CommandFailure(message, 2)
}

/** The exit code and the one sentence for anything that ended a command. */
export function describeFailure(error: unknown): { exitCode: ExitCode; message: string } {
  if (error instanceof CommandFailure) return { exitCode: error.exitCode, message: error.message }
  if (error instanceof PlatformError) return { exitCode: exitCodeOf(error.code), message: error.message }
  return { exitCode: 3, message: error instanceof Error ? error.message : String(error) }
}
