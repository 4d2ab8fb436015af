import { chown, cp, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createEmbeddedServer, createSqlPool, type EmbeddedServer, type EmbeddedServerOptions, type SqlPool } from '@cordon/pool'
import { expect } from 'chai'
import { createNotingReaper, createScratch } from './scratch.ts'

/** The servers of one suite: started in directories of its own, stopped together. */
export interface TestServers {
  /** Directory for everything the suite makes. */
  readonly path: string
  /** A data directory with a table `kept` that holds one row. */
  readonly template: string
  /** A copy of the template, because `initdb` is slow. */
  copy(name: string): Promise<string>
  start(dataDir: string, more?: Partial<EmbeddedServerOptions>): Promise<EmbeddedServer>
  poolOf(server: EmbeddedServer, more?: { acquireTimeoutMs?: number; max?: number }): SqlPool
  expectKept(server: EmbeddedServer): Promise<void>
  /** Stops what was started. */
  closeAll(): Promise<void>
  remove(): Promise<void>
}

/** Creates the template; `first` are options of the server that makes it. */
export async function createTestServers(first: Partial<EmbeddedServerOptions> = {}): Promise<TestServers> {
  const scratch = await createScratch()
  const open: { close(): Promise<void> }[] = []
  const servers: TestServers = {
    path: scratch.path,
    template: join(scratch.path, 'template'),
    async copy(name) {
      const dataDir = join(scratch.path, name)
      await cp(servers.template, dataDir, { recursive: true, preserveTimestamps: true })
      if (process.getuid?.() === 0) await own(join(dataDir, 'postgres'), (await lstat(join(servers.template, 'postgres'))).uid)
      return dataDir
    },
    async start(dataDir, more = {}) {
      const server = await createEmbeddedServer({ dataDir, reaper: createNotingReaper(), ...more })
      open.push(server)
      return server
    },
    poolOf(server, more = {}) {
      const pool = createSqlPool({
        connection: server.connection,
        max: 3,
        acquireTimeoutMs: 10_000,
        queryTimeoutMs: 10_000,
        applicationName: 'test',
        ...more,
      })
      open.push({ close: () => pool.destroy() })
      return pool
    },
    async expectKept(server) {
      expect((await servers.poolOf(server).query('SELECT id FROM kept')).rows).to.deep.equal([{ id: 1 }])
    },
    async closeAll() {
      for (const one of open.splice(0).toReversed()) await one.close()
    },
    remove: () => scratch.remove(),
  }
  await servers.poolOf(await servers.start(servers.template, first)).query('CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)')
  await servers.closeAll()
  return servers
}

/** Gives a directory and everything in it to another user. */
export async function own(path: string, uid: number): Promise<void> {
  for (const one of await readdir(path, { recursive: true })) await chown(join(path, one), uid, uid)
  await chown(path, uid, uid)
}
