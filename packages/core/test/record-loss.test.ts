import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { SqlPool } from '@cordon/pool'
import { createPlatform } from '@cordon/core'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, handler } from './support/scratch.ts'
import { startServer, type TestServer } from './support/server.ts'

const fixture = fileURLToPath(new URL('../test/fixtures/recording-host.mjs', import.meta.url))

describe('records of a host that is killed', function () {
  this.timeout(60_000)
  let server: TestServer
  let url: string
  let sql: SqlPool
  before(async () => {
    server = await startServer()
    ;({ url, sql } = await server.database())
    const platform = await createPlatform({ databaseUrl: url })
    await platform.deploy({ name: 'ledger', source: handler('console.log(1); if (input) throw new Error("no")') })
    await platform.close()
  })
  after(() => server.stop())

  /** Lets a host call until `count` calls have returned, and kills it; the ledger is what it told. */
  async function callAndKill(write: string, count: number): Promise<string[]> {
    const child = spawn(process.execPath, [fixture, url, write], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ledger: string[] = []
    for await (const line of createInterface(child.stdout)) {
      ledger.push(line)
      if (ledger.length === count) child.kill('SIGKILL')
    }
    return ledger
  }

  it('are all there when they are durable', async () => {
    for (const count of [1, 140]) {
      const ledger = await callAndKill('durable', count)
      const { rows } = await sql.query<{ id: string }>('select invocation_id as id from cordon.invocations')
      const stored = new Set(rows.map(({ id }) => id))
      expect(ledger.filter((id) => !stored.has(id))).to.deep.equal([])
    }
  })

  it('are missing at the end only when they are written behind', async () => {
    // Long enough for some batches.
    const ledger = await callAndKill('behind', 3000)
    const { rows } = await sql.query<{ id: string }>('select invocation_id as id from cordon.invocations')
    const stored = new Set(rows.map(({ id }) => id))
    expect(ledger.some((id) => stored.has(id))).to.equal(true)
    const lost = ledger.findIndex((id) => !stored.has(id))
    // The ledger is told by three callers at once, so its order may differ by so much.
    if (lost !== -1) expect(ledger.slice(lost + 3).filter((id) => stored.has(id))).to.deep.equal([])
  })

  it('are not kept when they are off, and usage is not counted', async () => {
    const before = await sql.query('select sum(invocations)::int as calls from cordon.usage')
    const platform = await createPlatform({ databaseUrl: url, records: { write: 'off' } })
    const { logs, invocationId } = await platform.invoke('ledger')
    expect(logs).to.have.length(1)
    const { items } = await platform.invocations('ledger')
    expect(items.map((one) => one.invocationId)).not.to.include(invocationId)
    await platform.close()
    expect((await sql.query('select sum(invocations)::int as calls from cordon.usage')).rows).to.deep.equal(before.rows)
  })

  it('fail the call when they must be durable and cannot be', async () => {
    const platform = await createPlatform({ databaseUrl: url, records: { write: 'durable' }, logger: createNotingLogger() })
    await rejection(platform.invoke('ledger', 1), 'FUNCTION_ERROR')
    const { invocationId } = await platform.invoke('ledger', undefined, { user: { id: 'ada' } })
    const { rows } = await sql.query('select user_id from cordon.invocations where invocation_id = $1', [invocationId])
    expect(rows).to.deep.equal([{ user_id: 'ada' }])
    const [today] = await platform.usage('ledger')
    const [sum] = (await sql.query('select count(*)::int as calls from cordon.invocations')).rows
    expect(today).to.include({ function: 'ledger', invocations: sum?.['calls'], failures: 1, logEntries: sum?.['calls'] })
    for (const query of [{ since: 'now' }, { until: 7 }, { day: 1 }]) await rejection(platform.usage('ledger', query as object), 'INVALID_OPTION')
    await server.stop()
    await rejection(platform.invoke('ledger'), 'STORE_UNAVAILABLE')
    await platform.destroy()
  })
})
