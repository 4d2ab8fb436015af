import { ClientPool } from './client-pool.ts'
import type { Stopper } from './ladder.ts'
import type { SqlConnection } from './sql-connection.ts'

/** A stopper with connections of its own, so that it works when a pool is exhausted. */
export interface OwnedStopper extends Stopper {
  close(): Promise<void>
  destroy(): Promise<void>
}

/** Stopping takes a fraction of a millisecond; two connections serve many pools. */
const connections = 2
const timeoutMs = 1000
/** How long a terminated backend is waited for; they go within a few milliseconds. */
const terminateWaitMs = 120

/** Creates a stopper that signs in by `connection`, which has to be the same role as the statements' or a superuser. */
export function createStopper(connection: SqlConnection, applicationName: string): OwnedStopper {
  const pool = new ClientPool({ connection, max: connections, applicationName, act: 'stop a query' })
  async function order(call: string, processId: number): Promise<void> {
    const client = await pool.acquire(timeoutMs)
    try {
      await client.query({ text: `SELECT pg_catalog.${call}`, values: [processId] })
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
  }
  return {
    cancel: (processId) => order('pg_cancel_backend($1)', processId),
    terminate: (processId) => order(`pg_terminate_backend($1, ${terminateWaitMs})`, processId),
    close: () => pool.close(),
    destroy: () => pool.destroy(),
  }
}
