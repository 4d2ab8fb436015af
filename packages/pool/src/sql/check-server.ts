import { PlatformError } from '@cordon/contracts'
import { codeOf } from '../embedded/file-error.ts'
import type { SqlConnection } from './sql-connection.ts'
import { createSqlPool } from './sql-pool.ts'

/** Longest wait for a server, and for its answer, in milliseconds. */
const defaultTimeoutMs = 10_000
/** The oldest server that has all settings used here (`client_connection_check_interval` came with 14). */
const oldestVersion = 140_000

interface Facts {
  readonly version: number
  readonly shown: string
  readonly standby: boolean
  readonly schemas: boolean
  readonly roles: boolean
  readonly databases: boolean
}

const question = `SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS shown,
  pg_is_in_recovery() AS standby, has_database_privilege(current_database(), 'CREATE') AS schemas,
  rolsuper OR rolcreaterole AS roles,
  rolsuper OR rolcreatedb OR EXISTS (SELECT FROM pg_database WHERE datname = current_database() || '_functions') AS databases
  FROM pg_roles WHERE rolname = current_user`

/**
 * Signs in to a server that was given by URL, and checks that it is one the platform can live on. Every way in which it is
 * not is one sentence that says what to do.
 *
 * @throws PlatformError INVALID_OPTION when URL, version or rights are wrong, STORE_UNAVAILABLE when nobody answers
 */
export async function checkServer(connection: SqlConnection, timeoutMs: number = defaultTimeoutMs): Promise<void> {
  const pool = createSqlPool({ connection, max: 1, acquireTimeoutMs: timeoutMs, queryTimeoutMs: timeoutMs, applicationName: 'cordon' })
  try {
    const { rows } = await pool.query<Facts>(question).catch((error: unknown) => Promise.reject(unreachable(error, connection)))
    const state = rows[0] === undefined ? undefined : unusable(rows[0], connection)
    if (state !== undefined) throw wrongServer(state)
  } finally {
    await pool.destroy()
  }
}

function unusable({ version, shown, standby, schemas, roles, databases }: Facts, { user, database }: SqlConnection): string | undefined {
  if (version < oldestVersion) return `it is PostgreSQL ${shown}, and the platform needs 14 or newer`
  if (standby) return 'it is a standby, which cannot be written. Name the primary'
  const owner = `ALTER DATABASE "${database}" OWNER TO "${user}"`
  if (!schemas) return `user "${user}" may not create schemas in database "${database}". Run: ${owner}`
  if (!roles) return `user "${user}" may not create roles, and each tenant is one. Run: ALTER ROLE "${user}" CREATEROLE`
  if (!databases) return `user "${user}" may not create the database of the functions. Run: ALTER ROLE "${user}" CREATEDB`
  return undefined
}

/** What of the URL is wrong, by error code of the system, of TLS or of PostgreSQL (manual, appendix A). */
function mistakeOf(code: string | undefined, { user, database, host }: SqlConnection): string | undefined {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return `no host of the name "${host}" is found`
    case '28P01':
    case '28000':
      return `it does not let user "${user}" in. Check user name and password, and its pg_hba.conf`
    case '3D000':
      return `it has no database "${database}". Create it`
    case '42501':
      return `user "${user}" may not connect to database "${database}". Run: GRANT ALL ON DATABASE "${database}" TO "${user}"`
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'its certificate is signed by nobody this machine trusts. Name the authority with sslrootcert'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `its certificate is for another name than "${host}". Use that name, or sslmode=verify-ca`
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has expired'
    default:
      return undefined
  }
}

function unreachable(error: unknown, connection: SqlConnection): PlatformError {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = codeOf(cause)
  const message = cause instanceof Error ? cause.message || (code ?? 'the connection failed') : String(cause)
  if (/does not support SSL/.test(message)) return wrongServer('it does not offer TLS. Turn it on there, or say sslmode=disable', cause)
  const mistake = mistakeOf(code, connection)
  if (mistake !== undefined) return wrongServer(mistake, cause)
  const { host, port } = connection
  const state = code === 'ECONNREFUSED' || code === 'ENOENT' ? 'nothing listens there' : message.replace(/^Cannot [^:]*: /, '')
  return new PlatformError('STORE_UNAVAILABLE', `Cannot reach the database server at ${host}:${port}: ${state}`, {
    cause,
    details: code === undefined ? {} : { code },
  })
}

function wrongServer(state: string, cause?: unknown): PlatformError {
  return new PlatformError('INVALID_OPTION', `Cannot use the database server: ${state}`, { cause, details: { option: 'databaseUrl' } })
}
