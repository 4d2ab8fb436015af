import { PlatformError } from '@cordon/contracts'
import type { EmbeddedServer, SqlSession, SqlSessionOptions } from '@cordon/pool'
import { prepareDataDir } from '../data-dir/data-dir.ts'
import { lockDataDir } from '../data-dir/lock.ts'
import { findDatabase, type DatabaseTarget } from './database-target.ts'

/** A database that can be asked. */
export interface OpenedDatabase extends AsyncDisposable {
  /** Host and port, or the directory of the embedded database. */
  readonly where: string
  /** Process id of the platform whose embedded database this is; `undefined` when it was started here, or is a server. */
  readonly hostPid: number | undefined
  /** The database that is meant when none is named: the platform's own. */
  readonly database: string
  /** @throws PlatformError STORE_UNAVAILABLE */
  session(database: string, options?: SqlSessionOptions): Promise<SqlSession>
  /** Stops the server if it was started here. */
  close(): Promise<void>
}

/**
 * Opens the platform's database for the person who owns it: next to a platform that runs, or, when none does, by starting
 * the embedded server for as long as this is open.
 *
 * @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE, DATA_DIR_IN_USE
 */
export async function openDatabase(target: DatabaseTarget): Promise<OpenedDatabase> {
  const found = await findDatabase(target)
  if (found.kind === 'server') return opened(found.where, undefined, found.connection, () => Promise.resolve())
  const { dataDir, files, hostPid } = found
  if (hostPid !== undefined) {
    if (files.connection !== undefined) return opened(files.cluster, hostPid, files.connection, () => Promise.resolve())
    throw new PlatformError(
      'STORE_UNAVAILABLE',
      `Cannot open the embedded database: process ${hostPid} uses "${dataDir}" and its database does not run yet, or no more. Try again in a moment`,
    )
  }
  if (files.major === undefined) throw noDatabase(dataDir)
  const { server, stop } = await startServer(dataDir)
  return opened(files.cluster, undefined, server.connection, stop)
}

/** There is nothing to show or open. */
export function noDatabase(dataDir: string): PlatformError {
  return new PlatformError(
    'STORE_UNAVAILABLE',
    `Cannot open the embedded database: there is none in "${dataDir}". Name the data directory of a platform`,
  )
}

async function startServer(directory: string): Promise<{ server: EmbeddedServer; stop: () => Promise<void> }> {
  const [{ createEmbeddedServer }, { createReaper }] = await Promise.all([import('@cordon/pool'), import('@cordon/executor')])
  const dataDir = await prepareDataDir(directory)
  const lock = await lockDataDir(dataDir)
  const reaper = createReaper()
  try {
    const server = await createEmbeddedServer({ dataDir, reaper })
    return {
      server,
      async stop() {
        await server.close()
        await reaper.close()
        await lock.release()
      },
    }
  } catch (error) {
    await reaper.close()
    await lock.release()
    throw error
  }
}

async function opened(
  where: string,
  hostPid: number | undefined,
  connection: EmbeddedServer['connection'],
  close: () => Promise<void>,
): Promise<OpenedDatabase> {
  const { openSqlSession } = await import('@cordon/pool')
  return {
    where,
    hostPid,
    database: connection.database,
    session: (database, options) => openSqlSession({ ...connection, database }, options),
    close,
    [Symbol.asyncDispose]: close,
  }
}
