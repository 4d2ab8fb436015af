/**
 * Tenants drawn at random over fewer connections: a query of one whose connection is open, and of one that has to get one first. Beside them
 * what `pg` alone takes for the same: a query and DISCARD ALL, and a new connection for it besides.
 */
import { createFunctionDatabase, createEmbeddedServer } from '@cordon/pool'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { median, quantile, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'

const tenants = 500
const connections = 80
const queries = 1000
const noReaper = { watch() {}, unwatch() {}, close: async () => undefined }

await withScratch(async (folder) => {
  const server = await createEmbeddedServer({ dataDir: join(folder, 'data'), reaper: noReaper })
  const database = createFunctionDatabase({ admin: server.connection, connections })
  try {
    const created = performance.now()
    for (let n = 0; n < tenants; n++) await database.prepare(`tenant${n}`)
    report('creating a tenant', (performance.now() - created) / tenants, 'ms')
    // Each once, so that nothing is timed that happens only the first time.
    for (let n = 0; n < tenants; n++) await ask(database, n)
    const { host, port, user } = server.connection
    const connect = () => new pg.Client({ host, port, user, database: `${server.connection.database}_functions` })
    const open = connect()
    await open.connect()
    const times = { hit: [], miss: [], pgHit: [], pgMiss: [] }
    for (let n = 0; n < queries; n++) {
      const tenant = randomInt(tenants)
      const isHit = database.stats().tenants[`tenant${tenant}`].idle > 0
      const from = performance.now()
      await ask(database, tenant)
      times[isHit ? 'hit' : 'miss'].push(performance.now() - from)
      times[isHit ? 'pgHit' : 'pgMiss'].push(await timePg(isHit ? open : connect(), isHit))
    }
    await open.end()
    const { total, evicted } = database.stats()
    report(`connections open, of ${connections}`, total, '', connections)
    report('connections that made room for others', evicted, '')
    report(`hit: query and clean-up, ${tenants} tenants over ${connections} connections, p50`, median(times.hit), 'ms', 1)
    report('hit, p99', quantile(times.hit, 0.99), 'ms')
    report('pg: query and DISCARD ALL, p50', median(times.pgHit), 'ms')
    report('ratio', ratio(times.hit, times.pgHit), 'x')
    report('miss, p50', median(times.miss), 'ms', 8)
    report('miss, p99', quantile(times.miss, 0.99), 'ms')
    report('pg: connection, query and its end, p50', median(times.pgMiss), 'ms')
    report('ratio', ratio(times.miss, times.pgMiss), 'x')
  } finally {
    await database.close()
    await server.close()
  }
})

/** Median of the ratios of calls that were made one right after the other. */
function ratio(ours, theirs) {
  return median(ours.map((value, index) => value / theirs[index]))
}

async function ask(database, tenant) {
  const session = database.session(`tenant${tenant}`, Date.now() + 60_000)
  await session.query('select 1', [])
  await session.end()
}

async function timePg(client, isOpen) {
  const from = performance.now()
  if (!isOpen) await client.connect()
  await client.query({ text: 'select 1', values: [] })
  await (isOpen ? client.query('DISCARD ALL') : client.end())
  return performance.now() - from
}
