import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PlatformError, type QueryResult } from '@cordon/contracts'
import { sqlStateOf } from '../sql/sql-state.ts'
import { clientConfig, type SqlConnection } from '../sql/sql-connection.ts'
import { quote } from '../tenants/schema-setup.ts'
import type { CopiedTable } from './copy-item.ts'

/** Values as PostgreSQL writes them. */
export type TextRow = readonly (string | null)[]

/** A connection on which everything is written and read in one way, whatever server, role or database is set to. */
export interface CopyClient extends AsyncDisposable {
  /** Runs one statement. @throws PlatformError STORE_UNAVAILABLE with `details.sqlState` */
  ask(text: string, values?: readonly string[]): Promise<readonly TextRow[]>
  /** The same with rows as objects, whose values are text, too. @throws PlatformError STORE_UNAVAILABLE */
  query<Row>(text: string, values: readonly string[]): Promise<QueryResult<Row>>
  /** The rows of a table, or of a query, in COPY text format. @throws PlatformError STORE_UNAVAILABLE */
  read(source: string): AsyncIterable<Uint8Array>
  /** Writes such rows into a table. @throws PlatformError STORE_UNAVAILABLE */
  write(target: string, rows: AsyncIterable<Uint8Array>): Promise<void>
  close(): Promise<void>
}

/** Options of `openCopyClient`. */
export interface CopyClientOptions {
  /** Further settings, each as it follows SET. */
  readonly set?: readonly string[] | undefined
  /** Breaks the connection, whatever it waits for. */
  readonly signal?: AbortSignal | undefined
}

const connectTimeoutMs = 10_000
/** Rows come one by one, which is too little for what follows. */
const chunkBytes = 65_536
/**
 * How values look as text depends on all of these. Nothing that runs is bounded in time: a table may be large, and whoever copies can be
 * interrupted. `row_security = off` turns rows that a policy hides into an error instead of leaving them out.
 */
const settings = [
  "DateStyle = 'ISO, MDY'",
  "IntervalStyle = 'postgres'",
  "TimeZone = 'UTC'",
  'extra_float_digits = 1',
  "bytea_output = 'hex'",
  "lc_monetary = 'C'",
  "xmloption = 'content'",
  'statement_timeout = 0',
  'lock_timeout = 0',
  'idle_in_transaction_session_timeout = 0',
  'row_security = off',
  'standard_conforming_strings = on',
  'check_function_bodies = off',
  "default_tablespace = ''",
  'client_min_messages = error',
  // Compiling and planning the queries of the catalogues takes longer than running them: none is compiled, each is planned once.
  'jit = off',
  "plan_cache_mode = 'force_generic_plan'",
]

/** One statement in a text, also where there are no values: what follows a semicolon is refused. The types of the driver do not know of it. */
const extended = { queryMode: 'extended' }

/** Opens a connection for copying. @throws PlatformError STORE_UNAVAILABLE */
export async function openCopyClient(connection: SqlConnection, { set = [], signal }: CopyClientOptions = {}): Promise<CopyClient> {
  const [{ default: pg }, { default: streams }] = await Promise.all([import('pg'), import('pg-copy-streams')])
  const client = new pg.Client({
    ...clientConfig(connection, 'cordon copy'),
    connectionTimeoutMillis: connectTimeoutMs,
    types: { getTypeParser: () => (value: unknown) => value },
  })
  client.on('error', () => undefined)
  const onAbort = (): void => void client.connection.stream.destroy()
  try {
    signal?.throwIfAborted()
    signal?.addEventListener('abort', onAbort)
    await client.connect()
    await client.query([...settings, ...set].map((setting) => `SET ${setting}`).join(';'))
  } catch (error) {
    signal?.removeEventListener('abort', onAbort)
    await client.end().catch(() => undefined)
    throw copyError(error, `connect to database "${connection.database}"`)
  }
  // To plan a query of the catalogues takes longer than to run it: those with values are asked for every tenant.
  const names = new Map<string, string>()
  function nameOf(text: string): string {
    const name = names.get(text) ?? `copy ${names.size}`
    names.set(text, name)
    return name
  }
  let isClosed = false
  async function close(): Promise<void> {
    if (isClosed) return
    isClosed = true
    signal?.removeEventListener('abort', onAbort)
    await client.end().catch(() => undefined)
  }
  return {
    async ask(text, values = []) {
      try {
        const name = values.length === 0 ? {} : { name: nameOf(text) }
        return (await client.query<(string | null)[]>({ ...extended, ...name, text, values: [...values], rowMode: 'array' })).rows
      } catch (error) {
        throw copyError(error, 'copy the database')
      }
    },
    async query<Row>(text: string, values: readonly string[]) {
      try {
        const { rows, rowCount } = await client.query<Row & Record<string, unknown>>({ ...extended, text, values: [...values] })
        return { rows, rowCount: rowCount ?? 0 }
      } catch (error) {
        throw copyError(error, 'copy the database')
      }
    },
    async *read(source) {
      const stream: Readable = client.query(streams.to(`COPY ${source} TO STDOUT`))
      let parts: Uint8Array[] = []
      let bytes = 0
      try {
        for await (const chunk of stream) {
          if (!(chunk instanceof Uint8Array)) continue
          parts.push(chunk)
          bytes += chunk.length
          if (bytes < chunkBytes) continue
          yield Buffer.concat(parts)
          parts = []
          bytes = 0
        }
        if (bytes > 0) yield Buffer.concat(parts)
      } catch (error) {
        throw copyError(error, `read ${source}`)
      }
    },
    async write(target, rows) {
      try {
        await pipeline(rows, client.query(streams.from(`COPY ${target} FROM STDIN`)))
      } catch (error) {
        throw copyError(error, `write ${target}`)
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A table as COPY names it. */
export function copyTarget({ schema, name, columns }: Omit<CopiedTable, 'kind'>): string {
  return `${quote(schema)}.${quote(name)}${columns.length === 0 ? '' : ` (${columns.map(quote).join(', ')})`}`
}

/** What went wrong while something was copied. */
function copyError(error: unknown, act: string): PlatformError {
  if (error instanceof PlatformError) return error
  const sqlState = sqlStateOf(error)
  return new PlatformError('STORE_UNAVAILABLE', `Cannot ${act}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
    details: sqlState === undefined ? {} : { sqlState },
  })
}
