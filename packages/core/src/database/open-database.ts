import type { SqlSession, SqlSessionOptions } from '@cordon/pool'
import type { DatabaseTarget } from './database-target.ts'
import { openConnection, type OpenedConnection } from './open-connection.ts'

/** A database that can be asked. */
export interface OpenedDatabase extends AsyncDisposable, Omit<OpenedConnection, 'connection'> {
  /** The database that is meant when none is named: the platform's own. */
  readonly database: string
  /** @throws PlatformError STORE_UNAVAILABLE */
  session(database: string, options?: SqlSessionOptions): Promise<SqlSession>
}

/**
 * Opens the platform's database for the person who owns it: next to a platform that runs, or, when none does, by starting
 * the embedded server for as long as this is open.
 *
 * @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE, DATA_DIR_IN_USE
 */
export async function openDatabase(target: DatabaseTarget): Promise<OpenedDatabase> {
  const { connection, ...opened } = await openConnection(target)
  const { openSqlSession } = await import('@cordon/pool')
  return {
    ...opened,
    database: connection.database,
    session: (database, options) => openSqlSession({ ...connection, database }, options),
    [Symbol.asyncDispose]: () => opened.close(),
  }
}
