import { expect } from 'chai'
import type { SqlPool } from '@cordon/pool'
import { createPlatform, type Platform, type TenantExportItem } from '@cordon/core'
import { rejection } from './support/rejection.ts'
import { handler } from './support/scratch.ts'
import { startServer, type TestServer } from './support/server.ts'

const writing = `/** @function */
export default async function (input: { text: string }, ctx: any) {
  await ctx.db.query('create table if not exists notes (text text)')
  if (input.text !== '') await ctx.db.query('insert into notes values ($1)', [input.text])
  console.log(ctx.tenant.id, input.text)
  return (await ctx.db.query('select text from notes order by text')).rows.map(({ text }: any) => text)
}
export const config = { database: true }`

describe('tenants', function () {
  this.timeout(30_000)
  let server: TestServer
  let platform: Platform
  let sql: SqlPool
  before(async () => {
    server = await startServer()
    const database = await server.database()
    sql = database.sql
    platform = await createPlatform({ databaseUrl: database.url, allow: { tenants: { one: { database: true }, two: { database: true } } } })
  })
  after(async () => {
    await platform.close()
    await server.stop()
  })

  it('have functions, records, usage and tables of their own', async () => {
    const [one, two] = [platform.tenant('one'), platform.tenant('two')]
    const seen: string[] = []
    one.on('deployment', ({ name }) => seen.push(`one ${name}`))
    two.on('invocation', ({ function: name }) => seen.push(`two ${name}`))
    const sandboxes = new Set<unknown>()
    two.on('sandbox', ({ tenant }) => sandboxes.add(tenant))
    await one.deploy({ name: 'notes', source: writing })
    await two.deploy({ name: 'notes', source: writing })
    await two.deploy({ name: 'mine', source: handler('return 2') })
    expect((await one.invoke('notes', { text: 'a' })).output).to.deep.equal(['a'])
    expect((await two.invoke('notes', { text: 'b' })).output).to.deep.equal(['b'])
    expect((await platform.tenant('one').invoke('notes', { text: '' })).output).to.deep.equal(['a'])
    await rejection(one.invoke('mine'), 'FUNCTION_NOT_FOUND')
    await rejection(platform.invoke('notes', { text: '' }), 'FUNCTION_NOT_FOUND')
    expect(seen).to.deep.equal(['one notes', 'two notes'])
    expect([...sandboxes]).to.deep.equal(['two'])
    const counts = await Promise.all(
      [one, two, platform].map(async (each) => [
        (await each.logs()).items.length,
        (await each.invocations()).items.length,
        (await each.usage()).length,
      ]),
    )
    expect(counts).to.deep.equal([
      [2, 2, 1],
      [1, 1, 1],
      [0, 0, 0],
    ])
    expect((await platform.tenants.list()).map(({ id, functions }) => [id, functions])).to.deep.equal([
      ['one', 1],
      ['two', 2],
    ])
    expect([one.stats().functions, two.stats().functions, platform.stats().functions]).to.deep.equal([1, 2, 3])
  })

  it('cannot reach each other from a scoped platform, whose end is not that of the host', async () => {
    const scoped = platform.tenant('one')
    expect(scoped.tenant('one')).to.equal(scoped)
    await rejection(() => scoped.tenant('two'), 'FORBIDDEN')
    await rejection(() => scoped.tenant('default'), 'FORBIDDEN')
    await rejection(scoped.tenants.list(), 'FORBIDDEN')
    await rejection(scoped.tenants.remove('two'), 'FORBIDDEN')
    await rejection(() => scoped.tenants.export('two'), 'FORBIDDEN')
    expect(Object.keys(scoped.stats().pool.tenants)).to.deep.equal(['one'])
    expect(Object.keys(platform.stats().pool.tenants)).to.have.members(['one', 'two'])
    expect(scoped.options.allow.tenants).to.have.all.keys('one')
    expect(platform.options.databaseUrl).to.equal(undefined)
    await rejection(() => scoped.on('sandbox', 7 as never), 'INVALID_OPTION')
    await scoped.close()
    await rejection(scoped.functions.list(), 'CLOSED')
    expect((await platform.tenant('one').functions.list()).map(({ name }) => name)).to.deep.equal(['notes'])
    for (const id of ['', 'a b', '.a', 'a/b', 'x'.repeat(64), '__proto__\0', 7])
      await rejection(() => platform.tenant(id as string), 'INVALID_OPTION')
    await rejection(platform.tenants.get('a b'), 'INVALID_OPTION')
  })

  it('keep who deployed what, and what it was granted', async () => {
    const one = platform.tenant('one')
    await one.deploy({ name: 'notes', source: writing.replace('console.log(', "console.log('2', "), label: 'second', user: { id: 'ada' } })
    await one.functions.rollback('notes', undefined, { user: { id: 'bob' } })
    const shown = (await one.functions.deployments('notes')).map(({ kind, label, userId, capabilities }) => [
      kind,
      label,
      userId,
      capabilities.length,
    ])
    expect(shown).to.deep.equal([
      ['rollback', null, 'bob', 1],
      ['deploy', 'second', 'ada', 1],
      ['deploy', null, undefined, 1],
    ])
    await rejection(one.functions.deployments('none'), 'FUNCTION_NOT_FOUND')
    await rejection(one.deploy({ name: 'notes', source: writing, user: { id: 7 } as never }), 'INVALID_OPTION')
  })

  it('are exported whole', async () => {
    const items: TenantExportItem[] = []
    for await (const item of platform.tenants.export('one')) items.push(item)
    const kinds = items.map(({ kind }) => kind)
    expect([...new Set(kinds)]).to.deep.equal(['tenant', 'user', 'function', 'version', 'deployment', 'usage', 'invocation', 'log', 'database'])
    expect(kinds.filter((kind) => kind === 'version')).to.have.length(2)
    expect(items.find(({ row }) => row['kind'] === 'rows')?.row).to.deep.include({ table: 'notes', rows: [['a']] })
    expect(JSON.stringify(items)).to.contain('ada').and.not.contain('"mine"')
    for await (const item of platform.tenants.export('nobody')) expect.fail(item.kind)
  })

  it('do not wait for the removal of what another has', async () => {
    const two = platform.tenant('two')
    await two.invoke('mine')
    expect((await two.invocations('mine')).items).to.have.length(1)
    let removing = Promise.resolve()
    await sql.transaction(async (tx) => {
      await tx.query("select 1 from cordon.invocations where tenant = 'two' and function = 'mine' for update")
      removing = two.functions.remove('mine')
      expect((await platform.tenant('one').logs()).items).not.to.have.length(0)
    })
    await removing
    expect((await two.functions.list()).map(({ name }) => name)).to.deep.equal(['notes'])
    const { rows } = await sql.query("select 1 from cordon.invocations where tenant = 'two' and function = 'mine'")
    expect(rows).to.have.length(0)
  })

  it('leave nothing when they are removed, and can begin anew', async () => {
    const one = platform.tenant('one')
    const roles = async (): Promise<unknown> =>
      (await sql.query("select count(*)::int as roles from pg_roles where rolname like 't\\_%'")).rows[0]?.['roles']
    expect(await roles()).to.equal(2)
    await one.invoke('notes', { text: 'last' })
    await platform.tenants.remove('one')
    await rejection(one.invoke('notes', { text: '' }), 'FUNCTION_NOT_FOUND')
    expect(await platform.tenants.get('one')).to.equal(undefined)
    expect(await roles()).to.equal(1)
    const { rows } = await sql.query<{ name: string }>(
      "select table_name as name from information_schema.columns where table_schema = 'cordon' and column_name = 'tenant' and table_name not like '%\\_2%' order by 1",
    )
    expect(rows.length).to.be.greaterThan(7)
    for (const { name } of rows) {
      const { rows: left } = await sql.query(`select * from cordon.${name} where tenant = 'one'`)
      // That it went is all that is left, for the other hosts and for a day.
      expect(left, name).to.have.length(name === 'changes' ? 1 : 0)
    }
    await platform.tenants.remove('one')
    await platform.tenants.remove('nobody')
    await one.deploy({ name: 'notes', source: writing })
    expect((await one.invoke('notes', { text: 'new' })).output).to.deep.equal(['new'])
    expect((await platform.tenant('two').invoke('notes', { text: '' })).output).to.deep.equal(['b'])
  })
})
