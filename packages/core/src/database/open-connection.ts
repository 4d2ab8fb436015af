import { PlatformError } from '@cordon/contracts'
import type { SqlConnection } from '@cordon/pool'
import { prepareDataDir } from '../data-dir/data-dir.ts'
import { lockDataDir } from '../data-dir/lock.ts'
import { findDatabase, type DatabaseTarget } from './database-target.ts'

/** A way into the platform's database. */
export interface OpenedConnection {
  /** Host and port, or the directory of the embedded database. */
  readonly where: string
  /** Process id of the platform whose embedded database this is; `undefined` when it was started here, or is a server. */
  readonly hostPid: number | undefined
  /** Signs in as the platform does. */
  readonly connection: SqlConnection
  /** Stops the server if it was started here. */
  close(): Promise<void>
}

/** How a database is opened. */
export interface OpenOptions {
  /** Refuses a platform that uses the data directory. @default false: works beside it */
  readonly isAlone?: boolean
  /** Makes the data directory and the embedded database when there is none. @default false */
  readonly isCreated?: boolean
}

/** @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE, DATA_DIR_IN_USE */
export async function openConnection(target: DatabaseTarget, { isAlone = false, isCreated = false }: OpenOptions = {}): Promise<OpenedConnection> {
  const found = await findDatabase(target)
  if (found.kind === 'server') return { where: found.where, hostPid: undefined, connection: found.connection, close: () => Promise.resolve() }
  const { dataDir, files, hostPid } = found
  if (hostPid !== undefined && !isAlone) {
    if (files.connection !== undefined) return { where: files.cluster, hostPid, connection: files.connection, close: () => Promise.resolve() }
    throw new PlatformError(
      'STORE_UNAVAILABLE',
      `Cannot open the embedded database: process ${hostPid} uses "${dataDir}" and its database does not run yet, or no more. Try again in a moment`,
    )
  }
  if (files.major === undefined && !isCreated) throw noDatabase(dataDir)
  return { where: files.cluster, hostPid: undefined, ...(await startServer(dataDir, isAlone ? 0 : undefined)) }
}

/** There is nothing to show or open. */
export function noDatabase(dataDir: string): PlatformError {
  return new PlatformError(
    'STORE_UNAVAILABLE',
    `Cannot open the embedded database: there is none in "${dataDir}". Name the data directory of a platform`,
  )
}

async function startServer(directory: string, waitMs: number | undefined): Promise<Pick<OpenedConnection, 'connection' | 'close'>> {
  const [{ createEmbeddedServer }, { createReaper }] = await Promise.all([import('@cordon/pool'), import('@cordon/executor')])
  const dataDir = await prepareDataDir(directory)
  const lock = await lockDataDir(dataDir, waitMs)
  const reaper = createReaper()
  try {
    const server = await createEmbeddedServer({ dataDir, reaper })
    return {
      connection: server.connection,
      async close() {
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
