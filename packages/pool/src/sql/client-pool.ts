import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError, type PoolStats } from '@cordon/contracts'
import type { Client, PoolClient } from 'pg'
import type PgPool from 'pg-pool'
import { codeOf } from '../embedded/file-error.ts'
import { createClientClass } from './bounded-client.ts'
import type { ConnectionBudget, Evictable } from './connection-budget.ts'
import type { End } from './end.ts'
import { clientConfig, type SqlConnection } from './sql-connection.ts'

/** Options of a `ClientPool`. */
export interface ClientPoolOptions {
  readonly connection: SqlConnection
  /** Most connections at once. */
  readonly max: number
  readonly applicationName: string
  /** Words for error messages: what the connection is for. */
  readonly act: string
  /** Connections that this pool shares with others. @default none: `max` is the only bound */
  readonly budget?: ConnectionBudget | undefined
}

/** An idle connection is closed after this time, in milliseconds (the default of `pg-pool`). */
const idleTimeoutMs = 10_000
/** A server that takes a connection and says nothing is given up after this time, in milliseconds: the place in the pool is free again. */
const connectTimeoutMs = 10_000
/** Pause between two attempts to connect to a server that is being started again. */
const retryDelayMs = 25

/**
 * `pg-pool` with a deadline per acquisition, typed errors and a forceful end. The driver is loaded on first use.
 * An embedded server that was killed is back in a moment, so a refused connection over its socket is tried again until the deadline.
 */
export class ClientPool implements Evictable {
  readonly #options: ClientPoolOptions
  readonly #clients = new Set<PoolClient>()
  /** Those that the server has not let in yet. */
  readonly #connecting = new Set<Client>()
  readonly #isEmbedded: boolean
  #pool: Promise<PgPool<Client>> | undefined
  #loaded: PgPool<Client> | undefined
  #waiting = 0
  #closed: Promise<void> | undefined

  constructor(options: ClientPoolOptions) {
    this.#options = options
    this.#isEmbedded = options.connection.host.startsWith('/')
  }

  /**
   * Takes a connection out of the pool.
   *
   * @throws PlatformError ACQUIRE_TIMEOUT, STORE_UNAVAILABLE, CLOSED; that of `end` when it is reached
   */
  async acquire(timeoutMs: number, end?: End): Promise<PoolClient> {
    this.#checkOpen()
    this.#options.budget?.touch(this)
    const pool = this.#loaded
    // The usual case needs no timer: a connection is idle and nobody stands in line for it.
    if (pool !== undefined && pool.idleCount > pool.waitingCount && end?.isReached !== true) return this.#checked(await pool.connect())
    this.#waiting++
    const { promise: stopped, resolve: stop } = withResolvers<'timeout' | 'end'>()
    const timer = setTimeout(stop, Math.max(0, timeoutMs), 'timeout')
    const onEnd = (): void => stop('end')
    end?.listen(onEnd)
    try {
      return await this.#connect(stopped, timeoutMs, end)
    } finally {
      this.#waiting--
      clearTimeout(timer)
      end?.ignore(onEnd)
    }
  }

  async #connect(stopped: Promise<'timeout' | 'end'>, timeoutMs: number, end: End | undefined): Promise<PoolClient> {
    let refused: unknown
    for (;;) {
      this.#checkOpen()
      const pool = await (this.#pool ??= this.#open())
      const connecting = pool.connect()
      try {
        const client = await Promise.race([connecting, stopped])
        if (typeof client !== 'string') return this.#checked(client)
        giveBackLate(connecting)
        if (client === 'end' && end !== undefined) throw end.error()
        if (refused !== undefined) throw this.#unavailable(refused)
        throw this.#clients.size > 0 || this.#options.budget?.isFull === true
          ? this.#acquireTimeout(timeoutMs)
          : this.#unavailable(`the server did not answer within ${Math.round(timeoutMs)} ms`)
      } catch (error) {
        if (error instanceof PlatformError) throw error
        if (!this.#isTransient(error)) throw this.#unavailable(error)
        const outage = this.#options.connection.outage?.()
        if (outage !== undefined) throw outage
        refused = error
        // When the time is up, the race above ends the loop.
        await Promise.race([delay(retryDelayMs), stopped])
      }
    }
  }

  async #open(): Promise<PgPool<Client>> {
    const [{ default: Pool }, { default: pg }] = await Promise.all([import('pg-pool'), import('pg')])
    const { connection, max, applicationName, budget } = this.#options
    const connecting = this.#connecting
    const pool = new Pool<Client>({
      ...clientConfig(connection, applicationName),
      max,
      idleTimeoutMillis: idleTimeoutMs,
      allowExitOnIdle: connection.isTemporary === true,
      Client: createClientClass(pg.Client, { connectTimeoutMs, budget, connecting, isClosed: () => this.#closed !== undefined }),
    })
    pool.on('connect', (client) => {
      connecting.delete(client)
      this.#clients.add(client)
      // The budget may have forgotten a pool that had no connection yet.
      budget?.touch(this)
      // A connection that breaks while it is in use fails its query; without a listener it would also end the host.
      client.on('error', () => undefined)
      client.once('end', () => this.#clients.delete(client))
    })
    // After the event the connection is in the list of idle ones, or goes to the next in line.
    if (budget !== undefined) pool.on('release', () => queueMicrotask(() => budget.makeRoom()))
    // An idle connection broke; the pool has already dropped it.
    pool.on('error', () => undefined)
    this.#loaded = pool
    return pool
  }

  #isTransient(error: unknown): boolean {
    const code = codeOf(error)
    // 57P03: it is starting up or shutting down; the rest means that no process listens on the socket, or that it just died.
    if (code === '57P03') return true
    if (!this.#isEmbedded) return false
    return (
      ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code ?? '') ||
      (error instanceof Error && error.message.startsWith('Connection terminated'))
    )
  }

  /** The pool may have been destroyed while the connection was made. */
  #checked(client: PoolClient): PoolClient {
    if (this.#closed !== undefined) client.release(true)
    this.#checkOpen()
    return client
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw new PlatformError('CLOSED', `Cannot ${this.#options.act}: the platform is closed`)
  }

  #unavailable(error: unknown): PlatformError {
    const code = codeOf(error)
    const isDown = this.#isEmbedded && (code === 'ENOENT' || code === 'ECONNREFUSED')
    const message = error instanceof Error ? error.message || (code ?? 'the connection failed') : String(error)
    const reason = isDown ? 'the database server does not run at this moment' : message
    return new PlatformError('STORE_UNAVAILABLE', `Cannot ${this.#options.act}: ${reason}`, {
      cause: error,
      details: code === undefined ? {} : { code },
    })
  }

  #acquireTimeout(timeoutMs: number): PlatformError {
    const { act, budget } = this.#options
    const max = this.#clients.size > 0 || budget === undefined ? this.#options.max : budget.max
    return new PlatformError('ACQUIRE_TIMEOUT', `Cannot ${act}: none of ${max} connections became free within ${Math.round(timeoutMs)} ms`, {
      details: { timeoutMs: Math.round(timeoutMs), max },
    })
  }

  get size(): number {
    return this.#loaded?.totalCount ?? 0
  }

  closeIdle(): boolean {
    const pool = this.#loaded
    if (pool === undefined || this.#closed !== undefined || pool.idleCount <= pool.waitingCount) return false
    pool.connect().then(
      (client) => client.release(true),
      () => undefined,
    )
    return true
  }

  /** Connections and waiters at this moment. */
  stats(): Pick<PoolStats, 'total' | 'idle' | 'waiting'> {
    return { total: this.#loaded?.totalCount ?? 0, idle: this.#loaded?.idleCount ?? 0, waiting: this.#waiting }
  }

  /** Waits for the connections in use, then closes all. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #end(): Promise<void> {
    const pool = await this.#pool
    await pool?.end()
  }

  /** Breaks every connection, also those in use; whoever uses one fails and gives it back. Idempotent. */
  async destroy(): Promise<void> {
    // `end` would wait for those in use: their users may be waiting for something else.
    this.close().catch(() => undefined)
    const clients = [...this.#clients, ...this.#connecting]
    const gone = clients.map((client) => new Promise<void>((resolve) => client.once('end', resolve)))
    for (const client of clients) client.connection.stream.destroy()
    await Promise.all(gone)
  }
}

/** Nobody waits for this connection any more: it goes to the next in line. */
function giveBackLate(connecting: Promise<PoolClient>): void {
  connecting.then(
    (client) => client.release(),
    () => undefined,
  )
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((given) => {
    resolve = given
  })
  return { promise, resolve }
}
