import { migratePlatform } from '@cordon/core/backup'
import type { ExitCode } from '../exit-code.ts'
import type { CommandContext } from './command.ts'
import { keyNote, progressOf, tellTotals } from './copy-output.ts'
import { targetOf, type DbOptions } from './db/target.ts'

/** Options of `cordon migrate`. */
export interface MigrateOptions extends DbOptions {
  readonly to: string
}

/** `cordon migrate`: the local platform, copied into the database of a server. */
export async function migrate(context: CommandContext, { to, ...options }: MigrateOptions): Promise<ExitCode> {
  const from = await targetOf(context, options)
  const { terminal } = context
  const progress = progressOf(context)
  const info = await migratePlatform(from, { dataDir: from.dataDir, databaseUrl: to }, progress)
  progress.end()
  if (context.options.json === true) terminal.print(JSON.stringify(info))
  else {
    terminal.print(`Copied ${tellTotals(info)}; every table was read again and compared. The platform that was copied is as it was`)
    terminal.note(`Set databaseUrl (CORDON_DATABASE_URL) to the new database, and start. ${await keyNote(from.dataDir)}`)
  }
  return 0
}
