import { openSqlSession, type SqlConnection } from '@cordon/pool'
import { findDatabase, type DatabaseTarget } from './database-target.ts'

/** `absent`: there is no embedded database in the data directory. */
export type DatabaseState = 'running' | 'stopped' | 'absent'

/** What can be said of a database without starting anything. */
export interface DatabaseStatus {
  readonly state: DatabaseState
  readonly kind: 'embedded' | 'server'
  /** Directory of the embedded database, or host and port. */
  readonly where: string
  /** PostgreSQL's version; of a stopped one its major. */
  readonly version?: string | undefined
  /** Process ids of the database server and of the platform that runs it. */
  readonly pid?: number | undefined
  readonly hostPid?: number | undefined
  /** When the server was started, in milliseconds since 1970. */
  readonly startedAt?: number | undefined
  /** Directory of its socket. */
  readonly socket?: string | undefined
  /** File with its messages. */
  readonly logFile?: string | undefined
  /** The platform's own database and that of the functions, with their sizes on disk. */
  readonly databases?: readonly { readonly name: string; readonly bytes: number }[] | undefined
  /** Connections of clients now, this one left out, and at most. */
  readonly connections?: { readonly used: number; readonly max: number } | undefined
}

/** @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE when a server, or the database of a platform that runs, does not answer */
export async function databaseStatus(target: DatabaseTarget): Promise<DatabaseStatus> {
  const found = await findDatabase(target)
  if (found.kind === 'server') return { state: 'running', kind: 'server', where: found.where, ...(await ask(found.connection)) }
  const { files, hostPid } = found
  const known = { kind: 'embedded', where: files.cluster, logFile: files.logFiles.at(-1) } as const
  if (files.major === undefined) return { state: 'absent', ...known }
  if (hostPid === undefined || files.connection === undefined) return { state: 'stopped', ...known, version: String(files.major), hostPid }
  return { state: 'running', ...known, pid: files.pid, hostPid, socket: files.connection.host, ...(await ask(files.connection)) }
}

const question = `SELECT pg_catalog.current_setting('server_version'),
  (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000)::float8,
  (SELECT count(*)::int FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()),
  pg_catalog.current_setting('max_connections')::int`
const sizes = `SELECT datname, pg_catalog.pg_database_size(oid)::float8 FROM pg_catalog.pg_database
  WHERE datname IN (current_database(), current_database() || '_functions') AND pg_catalog.has_database_privilege(oid, 'CONNECT') ORDER BY datname`

async function ask(connection: SqlConnection): Promise<Pick<DatabaseStatus, 'version' | 'startedAt' | 'databases' | 'connections'>> {
  const session = await openSqlSession(connection)
  try {
    const [row = []] = (await session.run(question)).rows
    const databases = (await session.run(sizes)).rows.map(([name, bytes]) => ({ name: String(name), bytes: Number(bytes) }))
    const [version, startedAt, used, max] = row
    return { version: String(version), startedAt: Number(startedAt), databases, connections: { used: Number(used), max: Number(max) } }
  } finally {
    await session.close()
  }
}
