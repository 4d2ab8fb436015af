import { join } from 'node:path'
import { createReaper } from '@cordon/executor'
import { createEmbeddedServer, createSqlPool, type SqlConnection, type SqlPool } from '@cordon/pool'
import { createScratch } from './scratch.ts'

/** A PostgreSQL server for hosts that share one. */
export interface TestServer {
  /** A new, empty database. */
  database(): Promise<TestDatabase>
  /** Idempotent. */
  stop(): Promise<void>
}

/** One database of a test server. */
export interface TestDatabase {
  readonly url: string
  readonly sql: SqlPool
}

/** Starts a server of its own in a temporary directory. */
export async function startServer(): Promise<TestServer> {
  const { path, remove } = await createScratch()
  const reaper = createReaper()
  const server = await createEmbeddedServer({ dataDir: join(path, 'server'), reaper })
  const pools: SqlPool[] = []
  const poolOf = (connection: SqlConnection): SqlPool => {
    const pool = createSqlPool({ connection, max: 4, acquireTimeoutMs: 5000, queryTimeoutMs: 30_000, applicationName: 'test' })
    pools.push(pool)
    return pool
  }
  const admin = poolOf(server.connection)
  let number = 0
  let stopping: Promise<void> | undefined
  async function end(): Promise<void> {
    await Promise.all(pools.map((pool) => pool.close()))
    await server.close()
    await reaper.close()
    await remove()
  }
  return {
    async database() {
      const name = `test_${++number}`
      await admin.query(`create database ${name}`)
      const { user, host, port } = server.connection
      return {
        url: `postgres://${user}@localhost:${port}/${name}?host=${encodeURIComponent(host)}`,
        sql: poolOf({ ...server.connection, database: name }),
      }
    },
    stop: () => (stopping ??= end()),
  }
}
