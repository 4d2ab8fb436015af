import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createTestPlatform, PlatformError, type TestPlatform } from '@cordon/testing'

const fixture = (name: string): URL => new URL(`../test/fixtures/${name}`, import.meta.url)

const orders = {
  sql: 'CREATE TABLE orders (id text PRIMARY KEY, amount int NOT NULL, charge text, charged_at timestamptz); CREATE INDEX ON orders (charge);',
  rows: { orders: [{ id: 'o-1', amount: 700 }] },
}
const paid = { 'POST https://api.pay.example/charges': { id: 'ch_1' } }

async function failure(work: Promise<unknown>): Promise<PlatformError> {
  const thrown: unknown = await work.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error,
  )
  if (!(thrown instanceof PlatformError)) throw thrown
  return thrown
}

describe('a test platform', () => {
  let platform: TestPlatform

  before(async () => {
    platform = await createTestPlatform({})
  })

  after(async () => platform.close())

  it('runs a function with a database, secrets, answers and a time of its own, and says what it used', async () => {
    const run = await platform.runFunction<unknown, { chargeId: string }>(
      fixture('shop/charge.ts'),
      { orderId: 'o-1' },
      { db: orders, secrets: { PAY_KEY: 'key-1', OTHER: 'not for it' }, fetch: paid, clock: '2030-01-01T00:00:00Z' },
    )
    expect(run.output).to.deep.equal({ chargeId: 'ch_1', at: '2030-01-01T00:00:00.000Z' })
    expect(run.logs.map(({ level, message }) => ({ level, message }))).to.deep.equal([{ level: 'info', message: 'charging o-1' }])
    const [request] = run.requests
    expect(request).to.deep.include({ method: 'POST', url: 'https://api.pay.example/charges?expand=all', body: '{"amount":700,"currency":"EUR"}' })
    expect(request?.headers).to.include({ authorization: 'Bearer key-1' })
    expect(run.queries).to.deep.equal([
      { text: 'SELECT amount FROM orders WHERE id = $1', values: ['o-1'] },
      { text: 'UPDATE orders SET charge = $1, charged_at = $2 WHERE id = $3', values: ['ch_1', '2030-01-01T00:00:00.000Z', 'o-1'] },
    ])
    expect(run.secrets).to.deep.equal(['PAY_KEY'])
    const { rows } = await run.db.sql`SELECT charge, charged_at FROM orders WHERE id = ${'o-1'}`
    expect(rows).to.deep.equal([{ charge: 'ch_1', charged_at: new Date('2030-01-01T00:00:00Z') }])
  })

  it('leaves nothing of one test to the next, nor to one beside it', async () => {
    const missing = platform.runFunction(fixture('shop/charge.ts'), { orderId: 'o-1' })
    const amounts = [1, 2, 3].map(async (amount) => {
      const db = { ...orders, rows: { orders: [{ id: 'o-1', amount }] } }
      const { requests } = await platform.runFunction(fixture('shop/charge.ts'), { orderId: 'o-1' }, { db, fetch: paid, secrets: { PAY_KEY: 'k' } })
      return requests.map(({ body }) => body)
    })
    expect((await failure(missing)).message).to.contain('"orders" does not exist')
    expect(await Promise.all(amounts)).to.deep.equal([1, 2, 3].map((amount) => [`{"amount":${amount},"currency":"EUR"}`]))
  })

  it('fails as production does: refused code, exceptions and limits, with the logs', async () => {
    const refused = await failure(platform.runFunction(fixture('refused.ts')))
    expect(refused.code).to.equal('DEPLOYMENT_REJECTED')
    expect(JSON.stringify(refused.details['diagnostics'])).to.contain('node:fs')
    const ways = [
      ['throw', 'FUNCTION_ERROR'],
      ['loop', 'TIMEOUT'],
      ['memory', 'MEMORY_LIMIT'],
    ] as const
    expect(refused.stack).to.contain('kit.test.')
    for (const [input, code] of ways) {
      const options = { config: { timeoutMs: input === 'loop' ? 300 : 5000, memoryMb: 64 } }
      const error = await failure(platform.runFunction(fixture('badly.ts'), input, options))
      expect(error.code).to.equal(code)
      expect(JSON.stringify(error.details)).to.contain(`about to ${input}`)
      if (input === 'throw') expect(error.stack).to.match(/at badly \(badly\.ts:\d+:\d+\)\n.*kit\.test\.js/)
    }
    expect((await failure(platform.runFunction(fixture('double.ts'), 'no number'))).code).to.equal('INVALID_INPUT')
    expect((await platform.runFunction(fixture('double.ts'), 4)).output).to.equal(8)
  })

  it('asks nobody but the script, and fails the test when that has no answer, whatever the function makes of it', async () => {
    const url = 'https://api.pay.example/charges'
    const stubborn = (input: string, fetch?: object): Promise<{ readonly output: unknown }> =>
      platform.runFunction(fixture('stubborn.ts'), input, { fetch: fetch as never })
    const unknown = await failure(stubborn(url, { 'POST https://api.pay.example/charges': 1, 'https://api.pay.example/other': 2 }))
    expect(unknown.message).to.contain('Cannot answer GET https://api.pay.example/charges: scripted: POST https://api.pay.example/charges, https://')
    expect((await failure(stubborn(url))).message).to.contain('nothing is scripted')
    expect((await stubborn('https://elsewhere.example/', () => 'never asked')).output).to.contain('it is not granted to "stubborn"')
    expect((await stubborn('http://127.0.0.1/', () => 'never asked')).output).to.contain('its address is not public')
    expect((await stubborn(`${url}?b`, { [`${url}?a`]: 'a', [`GET ${url}?b`]: 'b' })).output).to.equal('"b"')
    expect((await stubborn(url, () => new Response('plain', { status: 404 }))).output).to.equal('plain')
    expect((await stubborn(url, { [url]: Response.error() })).output).to.equal('no answer: other side closed')
    expect((await stubborn(url, { [url]: Response.redirect(`${url}/2`, 302), [`${url}/2`]: 2 })).output).to.equal('2')
    const large = await stubborn(url, () => new Response('x'.repeat(4_000_000)))
    expect(large.output).to.have.length(4_000_000)
    const endless = await failure(platform.runFunction(fixture('stubborn.ts'), url, { fetch: () => new Promise(() => {}), timeoutMs: 200 }))
    expect(endless.code).to.equal('TIMEOUT')
    const thrown = await stubborn(url, () => {
      throw new RangeError('an assertion of the test')
    }).catch((error: unknown) => error)
    expect(thrown).to.be.instanceOf(RangeError)
  })

  it('lets a function call others: real ones, and what stands for them', async () => {
    const call = (name: string, functions: Record<string, URL | ((input: unknown) => unknown)>) =>
      platform.runFunction(fixture('caller.ts'), { name, value: 21 }, { functions })
    const real = await call('double', { double: fixture('double.ts') })
    expect([real.output, real.functions]).to.deep.equal([42, [{ name: 'double', input: 21 }]])
    expect((await call('double', { double: (input) => ({ doubled: input }) })).output).to.deep.equal({ doubled: 21 })
    const failing = () => {
      throw new PlatformError('TIMEOUT', 'Cannot wait any longer')
    }
    expect((await call('fail', { fail: failing })).output).to.deep.equal({ failed: 'TIMEOUT' })
    const config = { functions: ['double'], timeoutMs: 200 }
    const endless = { config, functions: { double: () => new Promise(() => {}) } }
    expect((await failure(platform.runFunction(fixture('caller.ts'), { name: 'double', value: 1 }, endless))).code).to.equal('TIMEOUT')
    expect((await call('double', {})).output).to.deep.equal({ failed: 'FUNCTION_NOT_FOUND' })
    const denied = await call('other', { other: () => 1 })
    expect([denied.output, denied.functions]).to.deep.equal([{ failed: 'CAPABILITY_DENIED' }, []])
  })

  it('takes answers from other runs, however many wait for theirs', async () => {
    const inner = async (input: unknown) => (await platform.runFunction(fixture('double.ts'), input)).output
    const asking = Array.from({ length: 4 }, async () => {
      const fetch = async () => inner(21)
      return (await platform.runFunction(fixture('stubborn.ts'), 'https://api.pay.example/', { fetch, timeoutMs: 5000 })).output
    })
    const calling = Array.from({ length: 4 }, async () => {
      const functions = { double: inner }
      return (await platform.runFunction(fixture('caller.ts'), { name: 'double', value: 4 }, { functions, timeoutMs: 5000 })).output
    })
    expect(await Promise.all([...asking, ...calling])).to.deep.equal(['42', '42', '42', '42', 8, 8, 8, 8])
  })

  it('calls HTTP functions', async () => {
    const init = { method: 'POST', body: 'hello' }
    const run = await platform.fetchFunction(fixture('api.ts'), new Request('https://app.example/a/b', init), { user: { id: 'u-1' } })
    expect(run.response.status).to.equal(201)
    expect(run.response.headers.get('x-kind')).to.equal('echo')
    expect(await run.response.json()).to.deep.equal({ user: 'u-1', body: 'hello' })
    expect(run.logs.map(({ level, message }) => `${level} ${message}`)).to.deep.equal(['warn asked for /a/b'])
    expect((await platform.fetchFunction(fixture('api.ts'), '/nothing')).response.status).to.equal(204)
  })

  it('says when a test ends, and once, that nobody answered what was asked after the head of a response', async () => {
    const late = await platform.loadFunction(fixture('late.ts'))
    const { readable, writable } = new TransformStream()
    const response = await late.fetch(new Request('http://localhost/', { method: 'POST', body: readable, duplex: 'half' }))
    await writable.close()
    expect(await response.text()).to.equal('no answer')
    const unanswered = await failure(late.close())
    expect(unanswered.message).to.contain('Cannot answer GET https://api.pay.example/late: nothing is scripted')
    expect(unanswered.stack).to.contain('kit.test.')
    await late.close()
  })

  it('leaves no directory when an option is wrong', async () => {
    const { TMPDIR } = process.env
    const parent = await mkdtemp(join(tmpdir(), 'kit-'))
    try {
      process.env['TMPDIR'] = parent
      const wrong: object = { scheduling: { spares: 'many' } }
      expect((await failure(createTestPlatform(wrong))).code).to.equal('INVALID_OPTION')
      expect(await readdir(parent)).to.deep.equal([])
    } finally {
      if (TMPDIR === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = TMPDIR
      await rm(parent, { recursive: true, force: true })
    }
  })

  it('calls one function several times, with its migrations, and removes it', async () => {
    const notes = await platform.loadFunction(fixture('notes/index.ts'), { db: { rows: { notes: [{ text: 'first' }] } } })
    expect(notes.deployment.migrations).to.deep.equal(['0001_notes.sql'])
    expect((await notes.invoke({ text: 'second' })).output).to.equal(2)
    expect((await notes.invoke({ text: 'third' })).output).to.equal(3)
    expect(notes.queries.map(({ text }) => text).slice(0, 4)).to.deep.equal([
      'BEGIN',
      'INSERT INTO notes (text) VALUES ($1)',
      'COMMIT',
      'SELECT count(*)::int AS count FROM notes',
    ])
    const before = (await platform.tenants.list()).length
    await notes.close()
    expect((await platform.tenants.list()).length).to.equal(before - 1)
    expect((await failure(notes.invoke({ text: 'x' }))).code).to.equal('FUNCTION_NOT_FOUND')
    expect((await failure(notes.db.query('SELECT 1'))).code).to.equal('CLOSED')
    const beside = { db: { migrations: new URL('../test/fixtures/notes/migrations', import.meta.url).pathname } }
    expect(
      (
        await platform.runFunction(
          {
            source: "/** @function */ export default async (input: string, ctx) => (await ctx.db.query('SELECT 1 AS one FROM notes')).rowCount",
          },
          'x',
          beside,
        )
      ).output,
    ).to.equal(0)
  })

  it('lets time stand still, in the function alone', async () => {
    const { output } = await platform.runFunction(fixture('clock.ts'), undefined, { clock: Date.UTC(2031, 0, 1) })
    expect(output).to.deep.equal({ calls: 1, now: '2031-01-01T00:00:00.000Z', isStill: true, text: true, isDate: true, given: 2020, isMoving: true })
    const real = await platform.runFunction<unknown, { now: string; isStill: boolean; calls: number }>(fixture('clock.ts'))
    expect([real.output.isStill, real.output.calls, Date.parse(real.output.now) <= Date.now()]).to.deep.equal([false, 1, true])
  })

  it('takes what surrounds a call from its options, and says which of them are wrong', async () => {
    const given = { env: { STAGE: 'test' }, user: { id: 'u-2' }, request: { path: '/here' }, name: 'renamed' }
    expect((await platform.runFunction(fixture('env.ts'), undefined, given)).output).to.deep.equal({ stage: 'test', path: '/here', user: 'u-2' })
    const wrong: readonly (readonly [object, string])[] = [
      [{ sercets: {} }, 'sercets'],
      [{ fetch: { 'api.pay.example': 1 } }, 'GET https://api.example.com/path'],
      [{ fetch: 'yes' }, 'GET https://host/path'],
      [{ clock: 'tomorrow' }, 'clock'],
      [{ db: 'CREATE TABEL x ()' }, 'syntax error at or near "TABEL"'],
      [{ db: { rows: { nowhere: [{ a: 1 }] } } }, 'nowhere'],
      [{ db: { rows: [] } }, 'db.rows'],
      [{ db: { migrations: '/nonexistent' } }, 'db.migrations'],
      [{ functions: { double: 2 } }, 'functions.double'],
      [{ name: 'no name' }, 'no name'],
    ]
    for (const [options, part] of wrong) expect((await failure(platform.runFunction(fixture('env.ts'), undefined, options))).message).to.contain(part)
    expect((await failure(platform.runFunction('nowhere.ts'))).message).to.contain('there is no such file')
    expect(platform.stats().functions).to.be.greaterThan(0)
  })
})
