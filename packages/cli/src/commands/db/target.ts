import type { DatabaseTarget } from '@cordon/core/database'
import { defaultDataDir } from '../../client/connect.ts'
import { usageFailure } from '../../exit-code.ts'
import { settingsOf } from '../../settings.ts'
import type { CommandContext } from '../command.ts'

/** Options of every `cordon db` command. */
export interface DbOptions {
  readonly databaseUrl?: string | undefined
}

/** The database that the options mean. @throws CommandFailure when they name a platform elsewhere, whose database is not reached over HTTP */
export async function targetOf(context: CommandContext, { databaseUrl }: DbOptions): Promise<DatabaseTarget> {
  if (context.options.url !== undefined || process.env['CORDON_URL'] !== undefined)
    throw usageFailure('Cannot reach the database by the URL of a platform: run this command on its machine, or give --database-url')
  const { options } = await settingsOf(context, { databaseUrl })
  return { dataDir: options.dataDir ?? defaultDataDir, databaseUrl: options.databaseUrl }
}
