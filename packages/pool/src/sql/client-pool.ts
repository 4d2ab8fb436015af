import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError, type PoolStats } from '@cordon/contracts'
import type { PoolClient } from 'pg'
import type PgPool from 'pg-pool'
import type { Client } from 'pg'
import { codeOf } from '../embedded/file-error.ts'
import { clientConfig, type SqlConnection } from './sql-connection.ts'

/** Options of a `ClientPool`. */
export interface ClientPoolOptions {
  readonly connection: SqlConnection
  /** Most connections at once. */
  readonly max: number
  readonly applicationName: string
  /** Words for error messages: what the connection is for. */
  readonly act: string
}

/** An idle connection is closed after this time, in milliseconds (the default of `pg-pool`). */
const idleTimeoutMs = 10_000
/** Pause between two attempts to connect to a server that is being started again. */
const retryDelayMs = 25

/**
 * `pg-pool` with a deadline per acquisition, typed errors and a forceful end. The driver is loaded on first use.
 * An embedded server that was killed is back in a moment, so a refused connection over its socket is tried again until the deadline.
 */
export class ClientPool {
  readonly #options: ClientPoolOptions
  readonly #clients = new Set<PoolClient>()
  readonly #isEmbedded: boolean
  #pool: Promise<PgPool<Client>> | undefined
  #loaded: PgPool<Client> | undefined
  #waiting = 0
  #isClosed = false

  constructor(options: ClientPoolOptions) {
    this.#options = options
    this.#isEmbedded = options.connection.host.startsWith('/')
  }

  /**
   * Takes a connection out of the pool.
   *
   * @throws PlatformError ACQUIRE_TIMEOUT, STORE_UNAVAILABLE, CLOSED; whatever `signal` was aborted with
   */
  async acquire(timeoutMs: number, signal?: AbortSignal): Promise<PoolClient> {
    this.#checkOpen()
    this.#waiting++
    const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)))
    try {
      return await this.#connect(signal === undefined ? timeout : AbortSignal.any([signal, timeout]), timeout)
    } catch (error) {
      if (error === timeout) throw this.#acquireTimeout(timeoutMs)
      throw error
    } finally {
      this.#waiting--
    }
  }

  async #connect(signal: AbortSignal, timeout: AbortSignal): Promise<PoolClient> {
    let refused: unknown
    for (;;) {
      this.#checkOpen()
      if (signal.aborted) throw timeout.aborted ? (refused === undefined ? timeout : this.#unavailable(refused)) : signal.reason
      try {
        const client = await this.#connectOnce(signal)
        if (client !== undefined) return client
      } catch (error) {
        if (!this.#isTransient(error)) throw this.#unavailable(error)
        refused = error
        await delay(retryDelayMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** `undefined` when the signal was first; the connection goes back to the pool when it comes. */
  async #connectOnce(signal: AbortSignal): Promise<PoolClient | undefined> {
    const pool = await (this.#pool ??= this.#open())
    const { promise: aborted, resolve } = withResolvers<undefined>()
    const onAbort = (): void => resolve(undefined)
    signal.addEventListener('abort', onAbort)
    const connecting = pool.connect()
    try {
      const client = await Promise.race([connecting, aborted])
      if (client === undefined) {
        connecting.then(
          (late) => late.release(),
          () => undefined,
        )
      }
      return client
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #open(): Promise<PgPool<Client>> {
    const [{ default: Pool }, { default: pg }] = await Promise.all([import('pg-pool'), import('pg')])
    const { connection, max, applicationName } = this.#options
    const pool = new Pool<Client>({ ...clientConfig(connection, applicationName), max, idleTimeoutMillis: idleTimeoutMs, Client: pg.Client })
    pool.on('connect', (client) => {
      const one = client as PoolClient
      this.#clients.add(one)
      // A connection that breaks while it is in use fails its query; without a listener it would also end the host.
      client.on('error', () => undefined)
      client.once('end', () => this.#clients.delete(one))
    })
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
    return ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code ?? '') || (error instanceof Error && error.message.startsWith('Connection terminated'))
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new PlatformError('CLOSED', `Cannot ${this.#options.act}: the platform is closed`)
  }

  #unavailable(error: unknown): PlatformError {
    const code = codeOf(error)
    const reason = error instanceof Error ? error.message || (code ?? 'the connection failed') : String(error)
    return new PlatformError('STORE_UNAVAILABLE', `Cannot ${this.#options.act}: ${reason}`, { cause: error, details: code === undefined ? {} : { code } })
  }

  #acquireTimeout(timeoutMs: number): PlatformError {
    const { act, max } = this.#options
    return new PlatformError('ACQUIRE_TIMEOUT', `Cannot ${act}: none of ${max} connections became free within ${Math.round(timeoutMs)} ms`, {
      details: { timeoutMs: Math.round(timeoutMs), max },
    })
  }

  /** Connections and waiters at this moment. */
  stats(): Pick<PoolStats, 'total' | 'idle' | 'waiting'> {
    return { total: this.#loaded?.totalCount ?? 0, idle: this.#loaded?.idleCount ?? 0, waiting: this.#waiting }
  }

  /** Waits for the connections in use, then closes all. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    const pool = await this.#pool
    if (pool !== undefined && !pool.ending) await pool.end()
  }

  /** Breaks every connection. Idempotent. */
  async destroy(): Promise<void> {
    const closed = this.close()
    // `end` waits for connections in use; their sockets are cut, so that whoever uses them fails and releases them.
    for (const client of this.#clients) client.connection.stream.destroy()
    await closed
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((given) => {
    resolve = given
  })
  return { promise, resolve }
}
