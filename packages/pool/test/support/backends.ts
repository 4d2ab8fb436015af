import { readFile, writeFile } from 'node:fs/promises'
import { createServer, connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { connectionFromUrl, createSqlPool, type SqlConnection } from '@cordon/pool'
import { startScratchServer } from './scratch.ts'

/** A PostgreSQL to run a suite over. */
export interface Backend {
  readonly admin: SqlConnection
  /** Signs in as the superuser, to look at what the suite under test did. */
  readonly observer: SqlConnection
  readonly isSuperuser: boolean
  readonly remove: () => Promise<void>
}

/** The embedded server over its socket. */
export async function startEmbedded(): Promise<Backend> {
  const { server, remove } = await startScratchServer()
  return { admin: server.connection, observer: server.connection, isSuperuser: true, remove }
}

/**
 * A server that is reached as one in production is: by a URL, over TCP, with passwords, as a role that is no superuser.
 * Underneath is an embedded server with other access rules, behind a relay from TCP to its socket.
 */
export async function startByUrl(): Promise<Backend> {
  const { server, remove } = await startScratchServer()
  const setup = createSqlPool({ connection: server.connection, max: 1, acquireTimeoutMs: 5000, queryTimeoutMs: 5000, applicationName: 'test' })
  await setup.query("ALTER ROLE cordon PASSWORD 'secret%/of cordon'")
  await setup.query("CREATE ROLE app LOGIN CREATEDB CREATEROLE PASSWORD 'p@ss:word'")
  await setup.query('CREATE DATABASE app OWNER app')
  const { rows } = await setup.query<{ file: string }>("SELECT current_setting('hba_file') AS file")
  const file = rows[0]?.file ?? ''
  await readFile(file)
  await writeFile(file, 'local all all scram-sha-256\n')
  await setup.query('SELECT pg_reload_conf()')
  await setup.close()

  const sockets = new Set<Socket>()
  const relay = createServer((near) => {
    const far = connect(`${server.connection.host}/.s.PGSQL.${server.connection.port}`)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        other.destroy()
        sockets.delete(one)
      })
    }
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const address = relay.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    admin: connectionFromUrl(`postgres://app:${encodeURIComponent('p@ss:word')}@127.0.0.1:${port}/app`),
    observer: connectionFromUrl(`postgres://cordon:${encodeURIComponent('secret%/of cordon')}@127.0.0.1:${port}/app`),
    isSuperuser: false,
    remove: async () => {
      for (const socket of sockets) socket.destroy()
      relay.close()
      await remove()
    },
  }
}
