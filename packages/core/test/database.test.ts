import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { createPlatform, type ErrorCode, type FunctionDatabaseStats, type Platform, type SlowQuery } from '@cordon/core'
import { expect } from 'chai'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

function isWhole({ total, idle, waiting }: FunctionDatabaseStats): boolean {
  return idle === total && waiting === 0
}

describe('ctx.db in a sandbox', () => {
  let platform: Platform
  let remove: () => Promise<void>
  const slow: SlowQuery[] = []

  before(async () => {
    const scratch = await createScratch()
    remove = scratch.remove
    const database = { slowQueryMs: 100, statements: 50, resultRows: 2000, queryTimeoutMs: 1000 }
    platform = await createPlatform({ dataDir: join(scratch.path, 'data'), logger: createNotingLogger(), database, analyzer: { enforce: false } })
    platform.on('slowQuery', (query) => void slow.push(query))
  })
  before(() => run('create table if not exists t (n int)', `return (await ctx.db.query(input)).rowCount`))
  // The caller has the outcome before every connection is back; when one never is, the time limit of the hook says so.
  afterEach(async () => {
    while (!isWhole(platform.stats().pool)) await turn()
  })
  after(async () => {
    await platform.close()
    await remove()
  })

  /** Runs `body` as a function; gives its output. */
  async function run(input: unknown, body: string, config = ''): Promise<unknown> {
    await platform.deploy({ name: 'asked', source: handler(body, `export const config = { database: true${config} }`) })
    return (await platform.invoke('asked', input)).output
  }

  const deleteAll = () => run(undefined, `return (await ctx.db.query('delete from t')).rowCount`)

  it('gives values as JavaScript has them', async () => {
    const text = `select true as yes, 7::int as int, 9007199254740993::int8 as big, 0.10::numeric as exact, 'NaN'::float8 as nan,
      '2026-01-02 03:04:05'::timestamp as stamp, '2026-01-02'::date as day, array[1,null] as list, '{"a":1}'::jsonb as json, '\\\\x00ff'::bytea as bytes,
      null as nothing, interval '90 minutes' as span`
    const body = `const [row] = (await ctx.db.query(\`${text}\`)).rows
      return { ...row, bytes: [...row.bytes], nan: String(row.nan), kinds: [row.stamp, row.day].map((one) => one instanceof Date) }`
    expect(await run(undefined, body)).to.deep.equal({
      yes: true,
      int: 7,
      big: '9007199254740993',
      exact: '0.10',
      nan: 'NaN',
      stamp: '2026-01-02T03:04:05.000Z',
      day: '2026-01-02T00:00:00.000Z',
      list: [1, null],
      json: { a: 1 },
      bytes: [0, 255],
      nothing: null,
      span: '01:30:00',
      kinds: [true, true],
    })
  })

  it('takes parameters as values, whatever they are', async () => {
    const body = `
      Object.prototype.toPostgres = () => 'hijacked'
      const hostile = ["'); drop table t; --", '$1', '\\\\', String.fromCharCode(0xd800), 'x'.repeat(1_000_000)]
      const lengths = []
      for (const one of hostile) lengths.push((await ctx.db.sql\`select length(\${one}::text) as n\`).rows[0].n)
      const object = (await ctx.db.sql\`select \${{ toPostgres: () => 'x', a: 1 }}::jsonb as o\`).rows[0].o
      const refused = []
      for (const one of [new Map(), Promise.resolve(1), Symbol('x'), new Date(NaN)]) await ctx.db.sql\`select \${one}\`.catch((e) => refused.push(e.name))
      return { lengths, object, refused }`
    expect(await run(undefined, body)).to.deep.equal({
      lengths: [20, 2, 1, 1, 1_000_000],
      object: { a: 1 },
      refused: ['TypeError', 'TypeError', 'TypeError', 'TypeError'],
    })
  })

  it('takes nothing but templates as templates', async () => {
    const body = `
      const refused = []
      const forged = [input.text, [input.text], { raw: [input.text], length: 1, 0: input.text }, JSON.parse('["select 1"]')]
      for (const one of forged) await ctx.db.sql(one).catch((e) => refused.push(e.message))
      return refused`
    const refused = await run({ text: 'select 1' }, body)
    expect(refused).to.have.length(4)
    for (const message of Array.isArray(refused) ? refused : []) expect(message).to.contain('sql is a template tag')
  })

  it('runs batches, all or nothing', async () => {
    const body = `
      const [, , read] = await ctx.db.batch([{ text: 'insert into t values ($1)', values: [1] }, 'insert into t values (2)', 'select n from t order by n'])
      const failure = await ctx.db.batch(['insert into t values (3)', 'select 1 / 0']).catch((e) => e.code)
      const inside = await ctx.db.transaction((tx) => tx.batch(['insert into t values (4)', 'select count(*)::int as n from t']))
      return { read: read.rows, failure, inside: inside[1].rows }`
    expect(await run(undefined, body)).to.deep.equal({ read: [{ n: 1 }, { n: 2 }], failure: 'QUERY_FAILED', inside: [{ n: 3 }] })
    expect(await deleteAll()).to.equal(3)
  })

  it('reads large results through a cursor in little memory, and stops when the loop does', async () => {
    const body = `
      let rows = 0
      let bytes = 0
      for await (const { text } of ctx.db.cursor("select repeat('x', 10000) as text from generate_series(1, $1::int)", [input], { batchRows: 500 })) {
        rows++
        bytes += text.length
      }
      for await (const { n } of ctx.db.cursor('select generate_series(1, 100000000) as n')) if (n === 700) break
      const inside = await ctx.db.transaction(async (tx) => {
        const seen = []
        for await (const { n } of tx.cursor('select generate_series(1, 5) as n', [], { batchRows: 2 })) seen.push(n)
        return seen
      })
      return { rows, bytes, inside }`
    expect(await run(4000, body, ', memoryMb: 64, timeoutMs: 20000')).to.deep.equal({ rows: 4000, bytes: 40_000_000, inside: [1, 2, 3, 4, 5] })
  })

  it('says which budget is used up', async () => {
    const error = await rejection(run(undefined, `for (let n = 0; n < 60; n++) await ctx.db.query('select 1')`), 'QUERY_FAILED')
    expect(error.details).to.include({ limit: 'statements', max: 50 })
  })

  const deaths: readonly (readonly [how: string, end: string, code: ErrorCode])[] = [
    ['throws', `throw new Error('no')`, 'FUNCTION_ERROR'],
    ['runs out of time', 'for (;;);', 'TIMEOUT'],
    ['runs out of memory', 'const list = []; for (;;) list.push(new Array(1e6).fill(list.length))', 'MEMORY_LIMIT'],
    ['ends its process', 'process.exit(0)', 'CRASHED'],
  ]
  for (const [how, end, code] of deaths) {
    it(`rolls back what an invocation that ${how} has not committed`, async () => {
      const body = `
        let finish
        const held = new Promise((resolve) => { finish = resolve })
        const open = ctx.db.transaction(async (tx) => {
          await tx.query('insert into t values (1)')
          finish()
          await new Promise(() => undefined)
        })
        open.catch(() => undefined)
        await held
        ${end}`
      await rejection(run(undefined, body, ', timeoutMs: 1000, memoryMb: 64'), code)
      expect(await deleteAll()).to.equal(0)
    })
  }

  it('rolls back what an invocation that returns has left open', async () => {
    const body = `
      await new Promise((resolve) => {
        ctx.db.transaction(async (tx) => { await tx.query('insert into t values (1)'); resolve(); await new Promise(() => undefined) }).catch(() => undefined)
      })
      return 'done'`
    expect(await run(undefined, body)).to.equal('done')
    expect(await deleteAll()).to.equal(0)
  })

  it('lets no SQL out, and no connection be held', async () => {
    const stubborn = 'do $$ begin loop begin perform pg_sleep(0.01); exception when query_canceled then null; end; end loop; end $$'
    const attacks = [
      'set role cordon',
      'reset role',
      'select * from cordon.cordon_tenants',
      'select pg_read_file($$/etc/passwd$$)',
      'copy t from stdin',
      "copy (select 1) to program 'id'",
      'select pg_advisory_lock(1)',
      'select 1; drop table t',
      'commit',
      'begin',
      'do $$ begin loop raise notice $n$%$n$, repeat($r$x$r$, 100000); end loop; end $$',
      'select generate_series(1, 100000000)',
    ]
    const body = `
      const codes = []
      for (const text of input.attacks) codes.push(await ctx.db.query(text).then(() => 'ran', (e) => e.code))
      const crowd = await Promise.allSettled(Array.from({ length: 10 }, () => ctx.db.query(input.stubborn)))
      return { codes, crowd: crowd.filter(({ status }) => status === 'rejected').length }`
    const { codes, crowd } = (await run({ attacks, stubborn }, body, ', timeoutMs: 20000')) as { codes: string[]; crowd: number }
    expect(codes).to.deep.equal(attacks.map((text) => (text === 'reset role' || text === 'commit' ? 'ran' : 'QUERY_FAILED')))
    expect(crowd).to.equal(10)
    expect(await run(undefined, `return (await ctx.db.query('select count(*)::int as n from t')).rows`)).to.deep.equal([{ n: 0 }])
  })

  it('reports slow queries with who asked, and counts for the tenant', async () => {
    slow.length = 0
    await run(undefined, `await ctx.db.sql\`select pg_sleep(0.12), \${'a secret'}::text\``)
    expect(slow).to.have.length(1)
    expect(slow[0]).to.include({ tenant: 'default', function: 'asked', text: 'select pg_sleep(0.12), $1::text', isSuccess: true })
    expect(platform.stats().pool.tenants['default']?.queries).to.be.greaterThan(10)
  })
})
