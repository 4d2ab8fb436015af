import { readDatabaseLog } from '@cordon/core/database'
import { usageFailure, type ExitCode } from '../../exit-code.ts'
import { escapeLine } from '../../output/escape.ts'
import type { CommandContext } from '../command.ts'
import { targetOf, type DbOptions } from './target.ts'

/** Options of `cordon db logs`. */
export interface DbLogsOptions extends DbOptions {
  readonly limit?: string | undefined
}

const defaultLimit = '200'

/** `cordon db logs`: what the embedded server wrote, oldest first; with `--json` one object a line. */
export async function dbLogs(context: CommandContext, options: DbLogsOptions): Promise<ExitCode> {
  const limit = Number(options.limit ?? defaultLimit)
  if (!Number.isSafeInteger(limit) || limit < 1) throw usageFailure(`Cannot use --limit "${options.limit}": expected a number of lines from 1 on`)
  for (const line of await readDatabaseLog(await targetOf(context, options), limit))
    context.terminal.print(context.options.json === true ? JSON.stringify({ line }) : escapeLine(line))
  return 0
}
