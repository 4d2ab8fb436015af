import { text } from 'node:stream/consumers'
import { openDatabase, type OpenedDatabase } from '@cordon/core/database'
import type { ExitCode } from '../../exit-code.ts'
import type { CommandContext } from '../command.ts'
import { runPrompt } from '../../shell/prompt.ts'
import { runScript } from '../../shell/run-script.ts'
import { createShell } from '../../shell/shell.ts'
import { targetOf, type DbOptions } from './target.ts'

/** Options of `cordon db shell`. */
export interface DbShellOptions extends DbOptions {
  readonly database?: string | undefined
  readonly command?: string | undefined
}

/**
 * `cordon db shell`: SQL for the owner of the platform, as the superuser. From a terminal it prompts, otherwise it runs
 * standard input (or `--command`) and stops at the first error.
 */
export async function dbShell(context: CommandContext, options: DbShellOptions): Promise<ExitCode> {
  const isInteractive = options.command === undefined && process.stdin.isTTY
  // Read before the database is started: an empty script starts none.
  const script = isInteractive ? '' : (options.command ?? (await text(process.stdin)))
  const opened = await openDatabase(await targetOf(context, options))
  try {
    const shell = await createShell({
      opened,
      database: options.database ?? opened.database,
      terminal: context.terminal,
      isJson: context.options.json === true,
    })
    try {
      if (!isInteractive) return await runScript(shell, script)
      context.terminal.note(`${whereIs(opened)}\nDatabase ${shell.database}. \\? shows the commands, \\q or Ctrl-D ends.`)
      return await runPrompt(shell)
    } finally {
      await shell.close()
    }
  } finally {
    await opened.close()
  }
}

function whereIs({ where, hostPid }: OpenedDatabase): string {
  return hostPid === undefined ? `Connected to ${where}` : `Connected to ${where}, which process ${hostPid} uses`
}
