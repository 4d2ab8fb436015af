import { PlatformError, type PoolStats, type QueryResult } from '@cordon/contracts'
import type { PoolClient } from 'pg'
import { sqlStateOf } from './sql-state.ts'
import { ClientPool } from './client-pool.ts'
import { climb } from './ladder.ts'
import type { SqlConnection } from './sql-connection.ts'
import { createStopper, type OwnedStopper } from './stopper.ts'

/** Options of `createSqlPool`. */
export interface SqlPoolOptions {
  readonly connection: SqlConnection
  /** Most connections at once. */
  readonly max: number
  /** Longest wait for a connection. */
  readonly acquireTimeoutMs: number
  /** Longest time for one statement; it is stopped on the server too. */
  readonly queryTimeoutMs: number
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string
}

/** Runs trusted SQL. Values and rows are those of `pg`: `bigint` and `numeric` are strings, `timestamptz` a `Date`, `jsonb` parsed. */
export interface SqlQueryable {
  /**
   * Runs `text`: one statement when there are values, else any number of them (the result is that of the last).
   *
   * @throws PlatformError STORE_UNAVAILABLE (`details.sqlState` when the server refused it), ACQUIRE_TIMEOUT, CLOSED
   */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
}

/** A pool of connections for the platform's own store. */
export interface SqlPool extends SqlQueryable, AsyncDisposable {
  /** Commits when `run` resolves; rolls back when it rejects. */
  transaction<T>(run: (tx: SqlQueryable) => Promise<T>): Promise<T>
  stats(): PoolStats
  /** Waits for what runs. Idempotent. */
  close(): Promise<void>
  /** Breaks what runs. Idempotent. */
  destroy(): Promise<void>
}

/** Creates a pool; it connects on first use. */
export function createSqlPool(options: SqlPoolOptions): SqlPool {
  return new StorePool({ ...options })
}

class StorePool implements SqlPool {
  readonly #options: SqlPoolOptions
  readonly #pool: ClientPool
  readonly #stopper: OwnedStopper
  #queries = 0
  #cancelled = 0
  #terminated = 0

  constructor(options: SqlPoolOptions) {
    this.#options = options
    const { connection, max, applicationName } = options
    this.#pool = new ClientPool({ connection, max, applicationName, act: 'use the store' })
    this.#stopper = createStopper(connection, applicationName)
  }

  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    return this.#use((client) => this.#run<Row>(client, text, values))
  }

  transaction<T>(run: (tx: SqlQueryable) => Promise<T>): Promise<T> {
    return this.#use(async (client) => {
      await this.#run(client, 'BEGIN')
      try {
        const value = await run({ query: <Row>(text: string, values?: readonly unknown[]) => this.#run<Row>(client, text, values) })
        await this.#run(client, 'COMMIT')
        return value
      } catch (error) {
        // A failure here means that the connection is broken: the release sees it, and the server rolls back by itself.
        await this.#run(client, 'ROLLBACK').catch(() => undefined)
        throw error
      }
    })
  }

  async #use<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.acquire(this.#options.acquireTimeoutMs)
    try {
      return await work(client)
    } finally {
      // A broken connection, or one with an open transaction, is not given to the next.
      client.release(client.getTransactionStatus() !== 'I')
    }
  }

  async #run<Row>(client: PoolClient, text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    this.#queries++
    const { queryTimeoutMs: timeoutMs } = this.#options
    const work = client.query<Record<string, unknown>>(values === undefined ? { text } : { text, values: [...values] })
    const { result, stage } = await climb(client, work, { timeoutMs, stopper: this.#stopper })
    if (stage === 'cancelled') this.#cancelled++
    if (stage === 'terminated') this.#terminated++
    if (result.status === 'rejected') throw stage === 'running' ? storeError(result.reason) : timedOut(timeoutMs, result.reason)
    // Several statements give a list of results.
    const last = Array.isArray(result.value) ? (result.value as (typeof result.value)[]).at(-1) : result.value
    return { rows: (last?.rows ?? []) as Row[], rowCount: last?.rowCount ?? 0 }
  }

  stats(): PoolStats {
    return { ...this.#pool.stats(), queries: this.#queries, cancelled: this.#cancelled, terminated: this.#terminated }
  }

  async close(): Promise<void> {
    await this.#pool.close()
    await this.#stopper.close()
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#stopper.destroy()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function storeError(error: unknown): PlatformError {
  const details: Record<string, unknown> = {}
  const sqlState = sqlStateOf(error)
  if (sqlState !== undefined) details['sqlState'] = sqlState
  for (const name of ['constraint', 'table', 'column'] as const) {
    if (error instanceof Error && name in error) details[name] = Reflect.get(error, name)
  }
  return new PlatformError('STORE_UNAVAILABLE', `Cannot use the store: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
    details,
  })
}

function timedOut(timeoutMs: number, cause: unknown): PlatformError {
  return new PlatformError('STORE_UNAVAILABLE', `Cannot use the store: a statement took longer than ${timeoutMs} ms and was stopped`, {
    cause,
    details: { timeoutMs },
  })
}
