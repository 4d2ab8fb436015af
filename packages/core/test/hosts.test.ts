import { expect } from 'chai'
import { isRecord } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import { startHostProcess, type HostProcess } from './support/hosts.ts'
import { startServer, type TestServer } from './support/server.ts'

describe('several hosts on one database', function () {
  this.timeout(60_000)
  let server: TestServer
  let url: string
  let sql: SqlPool
  let hosts: HostProcess[]

  before(async () => {
    server = await startServer()
    ;({ url, sql } = await server.database())
    // All at once, on an empty database.
    hosts = await Promise.all([startHostProcess(url), startHostProcess(url), startHostProcess(url)])
  })
  after(async () => {
    await Promise.all(hosts.map((host) => host.close()))
    await server.stop()
  })

  function host(index: number): HostProcess {
    const found = hosts[index]
    if (found === undefined) throw new Error(`there is no host ${index}`)
    return found
  }

  async function versionOf(deploying: Promise<unknown>): Promise<unknown> {
    const result = await deploying
    return isRecord(result) ? result['version'] : undefined
  }

  it('have what one deploys, rolls back and removes', async () => {
    const first = await versionOf(host(0).act('deploy', { name: 'shared', value: 1 }))
    await Promise.all([host(1).seen('shared', first), host(2).seen('shared', first)])
    expect(await host(1).act('invoke', { name: 'shared' })).to.equal(1)
    const second = await versionOf(host(1).act('deploy', { name: 'shared', value: 2 }))
    await Promise.all([host(0).seen('shared', second), host(2).seen('shared', second)])
    expect(await Promise.all(hosts.map((one) => one.act('invoke', { name: 'shared' })))).to.deep.equal([2, 2, 2])
    await host(2).act('rollback', { name: 'shared' })
    await Promise.all([host(0).seen('shared', first), host(1).seen('shared', first)])
    expect(await host(0).act('invoke', { name: 'shared' })).to.equal(1)
    await host(0).act('remove', { name: 'shared' })
    await Promise.all([host(1).seen('shared'), host(2).seen('shared')])
    expect(await host(1).act('functions')).to.deep.equal([])
    // Of the same name, and new.
    const third = await versionOf(host(2).act('deploy', { name: 'shared', value: 1 }))
    await host(0).seen('shared', third)
    expect(await host(0).act('invoke', { name: 'shared' })).to.equal(1)
  })

  it('agree in the end when all deploy the same function at once', async () => {
    await Promise.all(hosts.map((one, index) => one.act('deploy', { name: 'race', value: `host ${index}` })))
    const { rows } = await sql.query<{ live: string }>("select live from cordon.functions where name = 'race'")
    await Promise.all(hosts.map((one) => one.seen('race', rows[0]?.live)))
    const outputs = await Promise.all(hosts.map((one) => one.act('invoke', { name: 'race' })))
    expect(new Set(outputs).size).to.equal(1)
  })

  it('hear of what they missed while they were cut off, and serve what they have meanwhile', async () => {
    const before = await versionOf(host(0).act('deploy', { name: 'cut', value: 'old' }))
    await host(1).seen('cut', before)
    // A change that nobody is told of: what a lost notice leaves behind.
    const other = await versionOf(host(2).act('deploy', { name: 'spare', value: 'new' }))
    await host(1).seen('spare', other)
    await sql.query(removeSilently('spare'))
    await Promise.all(hosts.map((one) => one.seen('spare')))
    // And with their connections broken, again and again.
    for (const value of [1, 2, 3]) {
      await sql.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cordon changes' and datname = current_database()",
      )
      const [version, output] = await Promise.all([versionOf(host(0).act('deploy', { name: 'cut', value })), host(1).act('invoke', { name: 'cut' })])
      expect(output).to.be.oneOf(['old', value - 1, value])
      await Promise.all([host(1).seen('cut', version), host(2).seen('cut', version)])
    }
  })

  it('see changes whose notice is lost even while a transaction holds up the log', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const version = await versionOf(host(0).act('deploy', { name: 'held', value: 1 }))
    await Promise.all([host(1).seen('held', version), host(2).seen('held', version)])
    const long = sql.transaction(async (tx) => {
      await tx.query('select pg_current_xact_id()')
      await sql.query(removeSilently('held'))
      await held
    })
    await Promise.all(hosts.map((one) => one.seen('held')))
    release()
    await long
  })

  it('answer every call while hosts deploy and are killed', async () => {
    const start = await versionOf(host(0).act('deploy', { name: 'busy', value: 0 }))
    await Promise.all([host(1).seen('busy', start), host(2).seen('busy', start)])
    const loads = [host(1).act('load', { name: 'busy' }), host(2).act('load', { name: 'busy' })]
    let live: unknown
    for (const value of [1, 2]) {
      live = await versionOf(host(0).act('deploy', { name: 'busy', value }))
      // In the middle of the next deployment.
      const next = host(0).act('deploy', { name: 'busy', value: value + 100 })
      next.catch(() => undefined)
      const killed = host(0)
      await killed.kill()
      hosts[0] = await startHostProcess(url)
    }
    live = await versionOf(host(0).act('deploy', { name: 'busy', value: 'last' }))
    await Promise.all([host(1).seen('busy', live), host(2).seen('busy', live)])
    await Promise.all([host(1).act('stop'), host(2).act('stop')])
    const known = new Set<unknown>([0, 1, 2, 101, 102, 'last'])
    for (const result of await Promise.all(loads)) {
      if (!isRecord(result) || !Array.isArray(result['values'])) throw new Error('the load gave nothing')
      expect(result['errors']).to.deep.equal([])
      expect(result['values'].filter((value) => !known.has(value))).to.deep.equal([])
    }
    expect(await host(1).act('invoke', { name: 'busy' })).to.equal('last')
  })

  it('lose a tenant together', async () => {
    const version = await versionOf(host(0).act('deploy', { name: 'theirs', value: 1, tenant: 'gone' }))
    expect(version).to.be.a('string')
    await host(1)
      .act('invoke', { name: 'theirs', tenant: 'gone' })
      .catch(() => undefined)
    await host(2).act('removeTenant', { tenant: 'gone' })
    const later = await versionOf(host(2).act('deploy', { name: 'marker', value: 1 }))
    await host(1).seen('marker', later)
    const refused = await host(1)
      .act('invoke', { name: 'theirs', tenant: 'gone' })
      .then(String, (error: Error) => error.message)
    expect(refused).to.match(/^FUNCTION_NOT_FOUND/)
  })
})

/** SQL that removes a function as another host would, without telling anybody. */
function removeSilently(name: string): string {
  return `begin; delete from cordon.functions where name = '${name}'; insert into cordon.changes (host, tenant, function) values ('lost', 'default', '${name}'); commit`
}
