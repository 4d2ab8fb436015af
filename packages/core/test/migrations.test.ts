import { expect } from 'chai'
import type { Diagnostic } from '@cordon/contracts'
import { createPlatform, type DeployResult, type Platform } from '@cordon/core'
import { createSqlPool, connectionFromUrl, type SqlPool } from '@cordon/pool'
import { rejection } from './support/rejection.ts'
import { handler } from './support/scratch.ts'
import { startServer, type TestServer } from './support/server.ts'

const asking = `/** @function */
export default async function (input: { text: string }, ctx: any) { return (await ctx.db.query(input.text)).rows }
export const config = { database: true }`

type Scripts = Readonly<Record<string, string | Uint8Array>>

describe('migrations of functions', function () {
  this.timeout(30_000)
  let server: TestServer
  let platform: Platform
  let other: Platform
  let ledger: SqlPool
  before(async () => {
    server = await startServer()
    const { url } = await server.database()
    const options = { databaseUrl: url, database: { migrationTimeoutMs: 3000 } }
    platform = await createPlatform(options)
    other = await createPlatform(options)
    const connection = connectionFromUrl(url)
    ledger = createSqlPool({
      connection: { ...connection, database: `${connection.database}_functions` },
      max: 1,
      acquireTimeoutMs: 5000,
      queryTimeoutMs: 5000,
      applicationName: 'test',
    })
  })
  after(async () => {
    await Promise.all([platform.close(), other.close(), ledger.close()])
    await server.stop()
  })

  function deploy(tenant: string, scripts: Scripts, { source = asking, host = platform } = {}): Promise<DeployResult> {
    const files = Object.fromEntries(Object.entries(scripts).map(([name, text]) => [`migrations/${name}`, text]))
    return host.tenant(tenant).deploy({ name: 'notes', files: { 'index.ts': source, ...files } })
  }

  async function refusal(tenant: string, scripts: Scripts): Promise<Diagnostic> {
    const { details } = await rejection(deploy(tenant, scripts), 'DEPLOYMENT_REJECTED')
    const [found] = (details['diagnostics'] as readonly Diagnostic[]).filter(({ severity }) => severity === 'error')
    return found ?? expect.fail('no diagnostic')
  }

  async function ask(tenant: string, text: string): Promise<unknown> {
    return (await platform.tenant(tenant).invoke('notes', { text })).output
  }

  it('are applied once, by number, before the version is live', async () => {
    const first = { '2_b.sql': "insert into notes values ('a;b')", '1_a.sql': 'create table notes (text text); create index on notes (text);' }
    expect((await deploy('once', first)).migrations).to.deep.equal(['1_a.sql', '2_b.sql'])
    expect((await deploy('once', first)).migrations).to.deep.equal([])
    const more = { ...first, '10_c.sql': '\uFEFFupdate notes\r\nset text = $$c$$ -- commit;\r\n/* rollback; */' }
    expect((await deploy('once', more)).migrations).to.deep.equal(['10_c.sql'])
    // Another checkout of the same files.
    const same = Object.fromEntries(Object.entries(more).map(([name, text]) => [name, text.replace('\uFEFF', '').replaceAll('\r\n', '\n')]))
    expect((await deploy('once', same)).migrations).to.deep.equal([])
    expect(await ask('once', 'select text from notes')).to.deep.equal([{ text: 'c' }])
    const { rows } = await ledger.query("select name, xid from cordon.cordon_migrations where tenant = 'once' order by name")
    expect(rows.map(({ name, xid }) => [name, xid])).to.deep.equal([
      ['10_c.sql', null],
      ['1_a.sql', null],
      ['2_b.sql', null],
    ])
  })

  it('leave nothing and the old version live when one fails', async () => {
    await deploy('fails', {})
    const good = 'create table kept (id int primary key)'
    const source = asking.replace('.rows }', '.rows.length }')
    const files = { 'index.ts': source, 'migrations/1.sql': good, 'migrations/2.sql': "select '💥';\n\n  insrt into kept values (1);" }
    const error = await rejection(platform.tenant('fails').deploy({ name: 'notes', files }), 'DEPLOYMENT_REJECTED')
    expect(error.message).to.contain('migrations/2.sql:3:3: syntax error at or near "insrt"')
    const [found] = error.details['diagnostics'] as readonly Diagnostic[]
    expect(found).to.include({ rule: 'migration-failed', severity: 'error', file: 'migrations/2.sql', line: 3, column: 3 })
    expect(found?.frame).to.contain('> 3 |   insrt into kept values (1);\n    |   ^')
    expect(await ask('fails', "select to_regclass('kept') as found")).to.deep.equal([{ found: null }])
    expect(await refusal('fails', { '1.sql': `${good}; insert into kept values (1), (1)` })).to.include({ line: 0, file: 'migrations/1.sql' })
    const late = `${good}; create table late (id int references kept deferrable initially deferred); insert into late values (7)`
    expect((await refusal('fails', { '1.sql': late })).message).to.contain('violates foreign key')
    expect((await deploy('fails', { '1.sql': good })).migrations).to.deep.equal(['1.sql'])
  })

  it('are refused when they were changed or come too early, and missed when they are gone', async () => {
    await deploy('later', { '2.sql': 'create table two ()', '3.sql': 'select 1' })
    expect(await refusal('later', { '2.sql': 'create table other ()' })).to.include({ rule: 'migration-changed', file: 'migrations/2.sql' })
    expect(await refusal('later', { '1.sql': 'select 1', '2.sql': 'create table two ()' })).to.include({
      rule: 'migration-order',
      file: 'migrations/1.sql',
    })
    const { diagnostics, migrations } = await deploy('later', { '3.sql': 'select 1' })
    expect(migrations).to.deep.equal([])
    expect(diagnostics.find(({ rule }) => rule === 'migration-removed')).to.include({ severity: 'warn', file: 'migrations/2.sql' })
  })

  it('need a number, UTF-8 and the database', async () => {
    const wrong: Scripts[] = [
      { 'init.sql': '' },
      { '1/2.sql': '' },
      { '1 a.sql': '' },
      { '1.SQL': '' },
      { '1_a.sql': '', '01_b.sql': '' },
      { '1.sql': 'select\0 1' },
      { '1.sql': new Uint8Array([0xff, 0xfe]) },
    ]
    for (const scripts of wrong) expect(await refusal('names', scripts), Object.keys(scripts).join()).to.include({ rule: 'migration-file' })
    const files = { 'index.ts': handler('return 1'), 'migrations/1.sql': 'select 1' }
    const analysis = await platform.analyze({ files })
    expect(analysis.ok).to.equal(false)
    expect(analysis.diagnostics.filter(({ rule }) => rule === 'migration-file')).to.have.length(1)
    expect((await deploy('names', { '1.sql': '-- nothing', 'README.md': 'a text', '2.sql': '' })).migrations).to.deep.equal(['1.sql', '2.sql'])
  })

  it('are applied once by hosts that deploy at the same time', async () => {
    const scripts = { '1.sql': 'create table one (id int); select pg_sleep(0.2); insert into one values (1)' }
    const results = await Promise.all([platform, other, platform, other].map((host) => deploy('both', scripts, { host })))
    expect(results.flatMap(({ migrations }) => migrations)).to.deep.equal(['1.sql'])
    expect(await ask('both', 'select id from one')).to.deep.equal([{ id: 1 }])
  })

  it('are not applied again when their host ended between the commit and the note of it', async () => {
    const scripts = { '1.sql': 'create table one ()' }
    await deploy('ended', scripts)
    const noted = "update cordon.cordon_migrations set xid = $1::xid8 where tenant = 'ended'"
    const committed = await ledger.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
    await ledger.query(noted, [committed.rows[0]?.xid])
    expect((await deploy('ended', scripts)).migrations).to.deep.equal([])
    let aborted = ''
    await ledger
      .transaction(async (tx) => {
        aborted = (await tx.query<{ xid: string }>('select pg_current_xact_id()::text as xid')).rows[0]?.xid ?? ''
        throw new Error('rolled back')
      })
      .catch(() => undefined)
    await ledger.query(noted, [aborted])
    // As if it had not been committed: it is applied, and finds its own table.
    expect((await refusal('ended', scripts)).message).to.contain('already exists')
  })

  it('stay when the version is rolled back or the function removed, and go with the tenant', async () => {
    const tenant = platform.tenant('stays')
    await deploy('stays', {})
    const source = asking.replace('.rows }', '.rows.length }')
    expect((await deploy('stays', { '1.sql': 'create table one ()' }, { source })).created).to.equal(true)
    await tenant.functions.rollback('notes')
    expect(await ask('stays', 'select * from one')).to.deep.equal([])
    await tenant.functions.remove('notes')
    expect((await deploy('stays', { '1.sql': 'create table one ()' })).migrations).to.deep.equal([])
    await platform.tenants.remove('stays')
    expect((await deploy('stays', { '1.sql': 'create table one ()' })).migrations).to.deep.equal(['1.sql'])
  })
})
