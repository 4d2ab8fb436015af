import { expect } from 'chai'
import { createPlatform, type Platform } from '@cordon/core'
import type { SqlPool } from '@cordon/pool'
import { startRelay, type Relay } from './support/relay.ts'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, handler } from './support/scratch.ts'
import { startServer, type TestServer } from './support/server.ts'

/** Longest time until a host has found out, in milliseconds: a moment, unless the machine is busy. */
const waitMs = 15_000

describe('a change that was committed and whose answer was lost', function () {
  this.timeout(60_000)
  let server: TestServer
  let sql: SqlPool
  let relay: Relay
  let platform: Platform
  before(async () => {
    server = await startServer()
    const database = await server.database()
    ;({ sql } = database)
    relay = await startRelay(database.url)
    platform = await createPlatform({ databaseUrl: relay.url, secretsKey: '1'.repeat(64), logger: createNotingLogger() })
  })
  after(async () => {
    await platform.destroy()
    await relay.close()
    await server.stop()
  })

  const deploy = (value: string, of = platform): Promise<unknown> => of.deploy({ name: 'said', source: handler(`return '${value}'`) })

  /** Calls until the answer is the expected one. */
  async function answers(expected: unknown, of = platform): Promise<void> {
    for (const end = Date.now() + waitMs; ;) {
      const answer: unknown = await of.invoke('said').then(
        ({ output }) => output,
        (error: unknown) => error instanceof Error && 'code' in error && error.code,
      )
      if (answer === expected) return
      if (Date.now() > end) expect.fail(`${String(answer)} instead of ${String(expected)}`)
    }
  }

  it('is what the host goes on with: deployment, rollback, removal', async () => {
    await deploy('first')
    relay.loseCommit()
    await rejection(deploy('second'), 'STORE_UNAVAILABLE')
    await answers('second')
    relay.loseCommit()
    await rejection(platform.functions.rollback('said'), 'STORE_UNAVAILABLE')
    await answers('first')
    relay.loseCommit()
    await rejection(platform.functions.remove('said'), 'STORE_UNAVAILABLE')
    await answers('FUNCTION_NOT_FOUND')
  })

  it('counts for the next change, also when the store was away in between', async () => {
    await deploy('first')
    relay.loseCommit()
    await rejection(deploy('second'), 'STORE_UNAVAILABLE')
    relay.block()
    // Live in memory, and no more in the store: this must not be taken for done.
    await rejection(deploy('first'), 'STORE_UNAVAILABLE')
    relay.admit()
    await deploy('first')
    expect((await platform.invoke('said')).output).to.equal('first')
    const { rows } = await sql.query('select code from cordon.versions v join cordon.functions f on f.live = v.version where f.name = $1', ['said'])
    expect(String(rows[0]?.['code'])).to.contain('first')
  })

  it('is what functions read: a secret', async () => {
    const source = `export const config = { secrets: ['WORD'] }\n${handler('return ctx.secrets.WORD')}`
    await platform.secrets.set('WORD', 'old')
    await platform.deploy({ name: 'said', source })
    relay.loseCommit()
    await rejection(platform.secrets.set('WORD', 'new'), 'STORE_UNAVAILABLE')
    await answers('new')
    relay.loseCommit()
    await rejection(platform.secrets.remove('WORD'), 'STORE_UNAVAILABLE')
    // A secret without a value is an error of its own.
    await answers('FUNCTION_ERROR')
  })

  it('ends a tenant', async () => {
    const acme = platform.tenant('acme')
    await deploy('here', acme)
    relay.loseCommit()
    await rejection(platform.tenants.remove('acme'), 'STORE_UNAVAILABLE')
    await answers('FUNCTION_NOT_FOUND', acme)
    await platform.tenants.remove('acme')
  })
})
