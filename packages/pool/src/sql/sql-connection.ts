import { readFileSync } from 'node:fs'
import { PlatformError } from '@cordon/contracts'
import type { ClientConfig } from 'pg'

/** How a connection is encrypted; the fields of Node's `tls.connect` that matter here. */
export interface SqlTls {
  /** False accepts any certificate (`sslmode=require`, as libpq does it). */
  readonly rejectUnauthorized: boolean
  /** Certificate authority in PEM form (`sslrootcert`). */
  readonly ca?: string | undefined
  /** False accepts a certificate for another host name (`sslmode=verify-ca`). */
  readonly isHostNameChecked: boolean
}

/** Where a PostgreSQL server is and as whom to sign in. */
export interface SqlConnection {
  /** Host name, address, or the absolute path of the directory of a Unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: string | undefined
  readonly database: string
  readonly tls?: SqlTls | undefined
  /** Of a server that Cordon runs itself: why waiting for it is of no use at this moment. */
  readonly outage?: (() => PlatformError | undefined) | undefined
  /** Of a server that is thrown away with its host: connections that nobody uses are no reason for the host to stay. */
  readonly isTemporary?: boolean | undefined
}

/** Stands for a host that the URL leaves out; a name that can never exist (RFC 2606). */
const noHost = 'none.invalid'

/** Parameters that a URL may carry and that change nothing here. */
const ignoredParameters = new Set(['application_name', 'connect_timeout', 'target_session_attrs', 'channel_binding'])

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`; `?host=/directory` names a Unix socket.
 * Nothing of the URL is repeated in an error, for it may hold a password.
 *
 * @throws PlatformError INVALID_OPTION
 */
export function connectionFromUrl(url: string): SqlConnection {
  // `postgres://user@/database?host=/directory` is usual with PostgreSQL, but WHATWG URLs have no user without a host.
  const text = url.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=[/?])/, `$1${noHost}`)
  const parsed = URL.canParse(text) ? new URL(text) : undefined
  if (parsed === undefined || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw wrongUrl('it is not a URL of the form postgres://user:password@host:port/database')
  for (const name of parsed.searchParams.keys()) {
    if (!['host', 'port', 'sslmode', 'sslrootcert'].includes(name) && !ignoredParameters.has(name))
      throw wrongUrl(`its parameter "${name}" is not supported`)
  }
  const user = decode(parsed.username)
  const database = decode(parsed.pathname.slice(1)) || user
  const host = parsed.searchParams.get('host') ?? decode(parsed.hostname).replace(/^\[(.*)\]$/, '$1')
  if (user === '') throw wrongUrl('it names no user')
  if (host === '' || host === noHost) throw wrongUrl('it names no host')
  const password = decode(parsed.password)
  const port = Number(parsed.searchParams.get('port') ?? (parsed.port === '' ? 5432 : parsed.port))
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw wrongUrl('its port is not a number from 1 to 65535')
  const tls = tlsFrom(parsed.searchParams)
  return {
    host,
    port,
    user,
    database,
    ...(password === '' ? {} : { password }),
    ...(tls === undefined ? {} : { tls }),
  }
}

function tlsFrom(parameters: URLSearchParams): SqlTls | undefined {
  const file = parameters.get('sslrootcert')
  const ca = file === null || file === 'system' ? {} : { ca: readCertificate(file) }
  switch (parameters.get('sslmode')) {
    case null:
    case 'disable':
    case 'allow':
    case 'prefer':
      return undefined
    case 'require':
    case 'no-verify':
      // As libpq: with a root certificate `require` behaves like `verify-ca`.
      return { rejectUnauthorized: 'ca' in ca, isHostNameChecked: false, ...ca }
    case 'verify-ca':
      return { rejectUnauthorized: true, isHostNameChecked: false, ...ca }
    case 'verify-full':
      return { rejectUnauthorized: true, isHostNameChecked: true, ...ca }
    default:
      throw wrongUrl('its sslmode is none of disable, allow, prefer, require, verify-ca, verify-full')
  }
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new PlatformError('INVALID_OPTION', 'Cannot use the database URL: the file that its sslrootcert names cannot be read', { cause: error })
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrongUrl('it has a % that does not start an escape')
  }
}

function wrongUrl(state: string): PlatformError {
  return new PlatformError('INVALID_OPTION', `Cannot use the database URL: ${state}`, { details: { option: 'databaseUrl' } })
}

/**
 * The connection as `pg` takes it. Every field is given, because `pg` fills the gaps from PGPASSWORD, PGOPTIONS,
 * PGSSLMODE, PGAPPNAME and `~/.pgpass`, which belong to the host's other work.
 */
export function clientConfig(connection: SqlConnection, applicationName: string): ClientConfig {
  const { host, port, user, database, password, tls } = connection
  return {
    host,
    port,
    user,
    database,
    // A function, because `pg` takes an empty string for "not given".
    password: () => password ?? '',
    application_name: applicationName,
    // `pg` reads timestamps in ISO style only; a role may have another one.
    options: '-c datestyle=ISO,MDY',
    client_encoding: 'UTF8',
    keepAlive: true,
    ssl:
      tls === undefined
        ? false
        : {
            rejectUnauthorized: tls.rejectUnauthorized,
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.isHostNameChecked ? {} : { checkServerIdentity: () => undefined }),
          },
  }
}
