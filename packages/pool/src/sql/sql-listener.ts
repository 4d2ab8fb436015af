import { setTimeout as delay } from 'node:timers/promises'
import type { Client } from 'pg'
import { clientConfig, type SqlConnection } from './sql-connection.ts'

/** Options of `createSqlListener`. */
export interface SqlListenerOptions {
  readonly connection: SqlConnection
  /** A plain name of lower-case letters and `_`. */
  readonly channel: string
  readonly onNotice: (payload: string) => void
  /** It listens, for the first time or again: what was said before is lost. */
  readonly onListening: () => void
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string
}

/** Hears what is said on a channel, over a connection of its own that is made again whenever it breaks. */
export interface SqlListener {
  /** Idempotent. */
  close(): Promise<void>
}

/** Pauses between attempts to connect, in milliseconds: the first, and the longest. */
const retryMs = { first: 100, most: 5000 }
/** Time between two questions whether the server is still there, and longest wait for its answer, in milliseconds: a cut line says nothing by itself. */
const pingMs = { every: 10_000, timeout: 5000 }

/** Starts listening; failures are not told, they are tried again until `close`. */
export function createSqlListener(options: SqlListenerOptions): SqlListener {
  const stop = new AbortController()
  const running = run(options, stop.signal)
  return {
    close() {
      stop.abort()
      return running
    },
  }
}

async function run(options: SqlListenerOptions, signal: AbortSignal): Promise<void> {
  let pauseMs = retryMs.first
  while (!signal.aborted) {
    const hasListened = await listen(options, signal)
    pauseMs = hasListened ? retryMs.first : Math.min(pauseMs * 2, retryMs.most)
    // Between half and the whole, so that hosts that lost the server together do not come back together.
    await delay(pauseMs * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => undefined)
  }
}

/** Listens until the connection breaks or `signal` is aborted; says whether it came so far. */
async function listen({ connection, channel, onNotice, onListening, applicationName }: SqlListenerOptions, signal: AbortSignal): Promise<boolean> {
  const { Client: PgClient } = (await import('pg')).default
  const client = new PgClient({ ...clientConfig(connection, applicationName), connectionTimeoutMillis: pingMs.timeout })
  const ended = new Promise<void>((resolve) => client.once('end', resolve))
  const end = (): void => void client.end().catch(() => undefined)
  client.on('error', end)
  client.on('notification', ({ payload }) => onNotice(payload ?? ''))
  let hasListened = false
  try {
    await client.connect()
    signal.addEventListener('abort', end, { once: true })
    await client.query(`LISTEN ${channel}`)
    hasListened = true
    onListening()
    if (signal.aborted) end()
    const pings = keepAsking(client)
    await ended
    clearInterval(pings)
  } catch {
    end()
  }
  signal.removeEventListener('abort', end)
  return hasListened
}

function keepAsking(client: Client): NodeJS.Timeout {
  const timer = setInterval(() => {
    const late = setTimeout(() => client.connection.stream.destroy(), pingMs.timeout)
    late.unref()
    client.query('SELECT').then(
      () => clearTimeout(late),
      () => clearTimeout(late),
    )
  }, pingMs.every)
  timer.unref()
  return timer
}
