import { completionScripts } from '../completion/scripts.ts'
import { usageFailure, type ExitCode } from '../exit-code.ts'
import type { CommandContext } from './command.ts'

/** `cordon completion <shell>`: the script that makes the shell complete commands, options and names. */
export async function completion({ terminal }: CommandContext, shell: string): Promise<ExitCode> {
  const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined
  if (script === undefined) throw usageFailure(`Cannot complete for "${shell}": expected one of ${Object.keys(completionScripts).join(', ')}`)
  terminal.print(script)
  return 0
}
