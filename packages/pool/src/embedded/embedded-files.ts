import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { SqlConnection } from '../sql/sql-connection.ts'
import { superuser } from './cluster.ts'
import { socketPort } from './postmaster.ts'
import { previousLog } from './server-log.ts'

/** Name of the platform's own database in an embedded server. */
export const platformDatabase = 'cordon'

/** What a data directory tells about its embedded database without starting it. */
export interface EmbeddedFiles {
  /** Directory of the cluster; it may lie elsewhere, behind a link. */
  readonly cluster: string
  /** Files with the server's messages, older first; they need not exist. */
  readonly logFiles: readonly string[]
  /** PostgreSQL major that wrote the cluster; `undefined` when there is none. */
  readonly major: number | undefined
  /** Process id in the lock file of the server, which may be one of a server that was killed. */
  readonly pid: number | undefined
  /** How to sign in to a server that runs for the directory, as far as its files tell. */
  readonly connection: SqlConnection | undefined
}

/** Reads the files of a data directory; what is missing is `undefined`. Never writes. */
export async function readEmbeddedFiles(dataDir: string): Promise<EmbeddedFiles> {
  const link = join(dataDir, 'postgres')
  const cluster = await realpath(link).catch(() => link)
  const logFile = join(dataDir, 'postgres.log')
  const [version, lock, socket] = await Promise.all(
    [join(cluster, 'PG_VERSION'), join(cluster, 'postmaster.pid'), join(dataDir, 'postgres.socket')].map((file) =>
      readFile(file, 'utf8').catch(() => ''),
    ),
  )
  return {
    cluster,
    logFiles: [previousLog(logFile), logFile],
    major: Number(version) || undefined,
    pid: Number(lock?.split('\n')[0]) || undefined,
    connection: socket ? { host: socket, port: socketPort, user: superuser, database: platformDatabase } : undefined,
  }
}
