import { PlatformError } from '@cordon/contracts'
import { codeOf } from '../embedded/file-error.ts'
import { sqlStateOf } from './sql-state.ts'
import { clientConfig, type SqlConnection } from './sql-connection.ts'

/** What one statement gave. */
export interface SqlSessionResult {
  /** The command of the statement, for example `SELECT`. */
  readonly command: string
  /** Rows it gave or changed; `null` for commands that count nothing. */
  readonly rowCount: number | null
  /** Names of the columns; empty for a statement that gives no rows. */
  readonly columns: readonly string[]
  /** By position, because two columns may have one name. */
  readonly rows: readonly (readonly unknown[])[]
}

/** One connection for somebody at a keyboard: what a statement sets stays set for the next ones. */
export interface SqlSession extends AsyncDisposable {
  /**
   * Runs one statement, without a deadline.
   *
   * @throws PlatformError QUERY_FAILED with `details.sqlState`, STORE_UNAVAILABLE when the connection broke
   */
  run(statement: string): Promise<SqlSessionResult>
  /** Stops the statement that runs, if there is one. */
  cancel(): Promise<void>
  close(): Promise<void>
}

/** Options of `openSqlSession`. */
export interface SqlSessionOptions {
  /** Gives values as PostgreSQL writes them, instead of numbers, dates and objects. @default false */
  readonly isText?: boolean | undefined
  /** Takes notices of the server. */
  readonly onNotice?: ((message: string) => void) | undefined
}

/** Longest wait for the server, in milliseconds. */
const connectTimeoutMs = 10_000

/**
 * Opens a session.
 *
 * @throws PlatformError STORE_UNAVAILABLE
 */
export async function openSqlSession(connection: SqlConnection, { isText = false, onNotice }: SqlSessionOptions = {}): Promise<SqlSession> {
  const { Client } = (await import('pg')).default
  const config = { ...clientConfig(connection, 'cordon db'), connectionTimeoutMillis: connectTimeoutMs }
  // As text each value is the one that PostgreSQL sent.
  const client = new Client(isText ? { ...config, types: { getTypeParser: () => (value: unknown) => value } } : config)
  client.on('error', () => undefined)
  if (onNotice !== undefined) client.on('notice', ({ message }) => onNotice(message ?? ''))
  let backend: number
  try {
    await client.connect()
    const { rows } = await client.query<[number]>({ text: 'SELECT pg_catalog.pg_backend_pid()', rowMode: 'array' })
    backend = Number(rows[0]?.[0])
  } catch (error) {
    // Not waited for: what did not answer may not answer to this either.
    void client.end().catch(() => undefined)
    throw sessionError(error, 'open the database')
  }
  return {
    async run(statement) {
      try {
        const { command, rowCount, fields, rows: given } = await client.query<unknown[]>({ text: statement, rowMode: 'array' })
        return { command: command ?? '', rowCount, columns: fields.map(({ name }) => name), rows: given }
      } catch (error) {
        throw sessionError(error, 'run the statement')
      }
    },
    async cancel() {
      const other = new Client(config)
      other.on('error', () => undefined)
      try {
        await other.connect()
        await other.query('SELECT pg_catalog.pg_cancel_backend($1)', [backend])
      } catch (error) {
        throw sessionError(error, 'cancel the statement')
      } finally {
        await other.end().catch(() => undefined)
      }
    },
    close: () => client.end(),
    [Symbol.asyncDispose]: () => client.end(),
  }
}

function sessionError(error: unknown, act: string): PlatformError {
  const sqlState = sqlStateOf(error)
  const message = error instanceof Error ? error.message || (codeOf(error) ?? 'the connection failed') : String(error)
  // Classes 08 and 57P say that the connection is gone (PostgreSQL manual, appendix A); 28 and 3D that there will be none.
  const isRefused = sqlState !== undefined && !/^(08|57P|28|3D)/.test(sqlState)
  return new PlatformError(isRefused ? 'QUERY_FAILED' : 'STORE_UNAVAILABLE', `Cannot ${act}: ${message}`, {
    cause: error,
    details: sqlState === undefined ? {} : { sqlState },
  })
}
