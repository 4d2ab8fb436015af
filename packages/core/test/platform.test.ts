import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { createPlatform, type Platform, type PlatformEvents } from '@cordon/core'
import { tarGz, zip } from './support/archives.ts'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

describe('platform', () => {
  let platform: Platform
  let dataDir: string
  let remove: () => Promise<void>
  const logger = createNotingLogger()

  before(async () => {
    const scratch = await createScratch()
    remove = scratch.remove
    dataDir = join(scratch.path, 'data')
    platform = await createPlatform({ dataDir, logger, limits: { payloadBytes: 10_000 } })
  })
  after(async () => {
    await platform.close()
    expect(await readdir(dataDir)).not.to.include('lock')
    await remove()
  })
  afterEach(async () => {
    for (const { name } of await platform.functions.list()) await platform.functions.remove(name)
  })

  describe('deploy', () => {
    it('makes every form of upload callable', async () => {
      const code = handler('return input.n + 1')
      const forms = [
        { source: code },
        { files: { 'index.ts': code } },
        { archive: await tarGz([{ name: 'top/index.ts', content: code }]) },
        { archive: zip([{ name: 'index.ts', content: code }]) },
      ]
      const versions = new Set<string>()
      for (const form of forms) {
        versions.add((await platform.deploy({ name: 'add', ...form })).version)
        expect((await platform.invoke('add', { n: 1 })).output).to.equal(2)
      }
      // The same content is the same version, however it was packed.
      expect(versions.size).to.equal(1)
    })

    it('gives the same content the same version and says that it is not new', async () => {
      const first = await platform.deploy({ name: 'same', source: handler('return 1') })
      const again = await platform.deploy({ name: 'same', source: handler('return 1') })
      expect(first.version).to.match(/^v_[0-9a-f]{16}$/)
      expect([again.version, first.created, again.created]).to.deep.equal([first.version, true, false])
      expect((await platform.deploy({ name: 'same', source: handler('return 1'), config: { timeoutMs: 100 } })).version).not.to.equal(first.version)
    })

    it('refuses bad code with diagnostics and leaves the live version', async () => {
      await platform.deploy({ name: 'kept', source: handler('return 1') })
      const error = await rejection(platform.deploy({ name: 'kept', source: 'export default () => 2' }), 'DEPLOYMENT_REJECTED')
      expect(error.message).to.match(/^Cannot deploy "kept": index\.ts/)
      expect(error.details['diagnostics']).to.be.an('array').that.is.not.empty
      await rejection(platform.deploy({ name: 'kept', source: 'export default {{{' }), 'DEPLOYMENT_REJECTED')
      expect((await platform.invoke('kept')).output).to.equal(1)
    })

    it('refuses names that are none', async () => {
      for (const name of ['', '1a', 'a b', 'a/b', '__proto__', 'x'.repeat(64), undefined, 7]) {
        await rejection(platform.deploy({ name: name as string, source: handler('return 1') }), 'INVALID_OPTION')
      }
    })

    it('refuses an upload that is too large to be analysed', async () => {
      await rejection(platform.deploy({ name: 'large', source: `${handler('return 1')}//${'x'.repeat(1_100_000)}` }), 'ANALYSIS_LIMIT')
    })

    it('ends concurrent deployments of one name in the order of the calls', async () => {
      const results = await Promise.all([1, 2, 3, 4].map((n) => platform.deploy({ name: 'race', source: handler(`return ${n}`) })))
      expect((await platform.invoke('race')).output).to.equal(4)
      expect((await platform.functions.get('race')).version).to.equal(results[3]?.version)
      expect(await platform.functions.versions('race')).to.have.length(4)
    })

    it('analyses without deploying, and does not reject bad code', async () => {
      expect((await platform.analyze({ source: 'export default () => 1' })).ok).to.equal(false)
      const good = await platform.analyze({ name: 'good', source: handler('return 1') })
      expect([good.ok, good.manifest.entry]).to.deep.equal([true, 'index.ts'])
      expect(await platform.functions.list()).to.deep.equal([])
    })
  })

  describe('functions', () => {
    it('lists versions newest first, with labels, and calls any of them', async () => {
      const one = await platform.deploy({ name: 'many', source: handler('return 1'), label: 'first' })
      const two = await platform.deploy({ name: 'many', source: handler('return 2') })
      const versions = await platform.functions.versions('many')
      expect(versions.map(({ version, live, label }) => ({ version, live, label }))).to.deep.equal([
        { version: two.version, live: true, label: null },
        { version: one.version, live: false, label: 'first' },
      ])
      expect((await platform.invoke('many', undefined, { version: one.version })).output).to.equal(1)
    })

    it('rolls back to the previous live version, and to a named one', async () => {
      const versions: string[] = []
      for (const n of [1, 2, 3]) versions.push((await platform.deploy({ name: 'back', source: handler(`return ${n}`) })).version)
      expect(await platform.functions.rollback('back')).to.deep.equal({ name: 'back', version: versions[1] })
      expect((await platform.invoke('back')).output).to.equal(2)
      await platform.functions.rollback('back', versions[0])
      expect((await platform.invoke('back')).output).to.equal(1)
      await rejection(platform.functions.rollback('back', 'v_0000000000000000'), 'VERSION_NOT_FOUND')
    })

    it('says that there is nothing to roll back to', async () => {
      await platform.deploy({ name: 'single', source: handler('return 1') })
      await rejection(platform.functions.rollback('single'), 'VERSION_NOT_FOUND')
    })

    it('removes a function with everything that belongs to it', async () => {
      await platform.deploy({ name: 'gone', source: handler('console.log("x"); return 1') })
      await platform.invoke('gone')
      await platform.functions.remove('gone')
      await rejection(platform.invoke('gone'), 'FUNCTION_NOT_FOUND')
      await rejection(platform.functions.get('gone'), 'FUNCTION_NOT_FOUND')
      expect((await platform.logs()).items.filter((entry) => entry.function === 'gone')).to.deep.equal([])
      expect((await platform.invocations()).items.filter((entry) => entry.function === 'gone')).to.deep.equal([])
      await platform.deploy({ name: 'gone', source: handler('return 2') })
      expect((await platform.invoke('gone')).output).to.equal(2)
    })
  })

  describe('invoke', () => {
    it('gives output, logs, version and measures', async () => {
      const { version } = await platform.deploy({ name: 'full', source: handler('console.log("hi", input.a); return { a: input.a }') })
      const result = await platform.invoke('full', { a: 1 })
      expect(result.output).to.deep.equal({ a: 1 })
      expect([result.version, result.logs.map(({ message }) => message)]).to.deep.equal([version, ['hi 1']])
      expect(result.invocationId).to.match(/^inv_/)
      expect(result).to.include.keys('durationMs', 'queueMs', 'bootMs', 'loadMs', 'cpuMs', 'peakMemoryMb', 'coldStart')
    })

    it('hands request and user to the function', async () => {
      await platform.deploy({
        name: 'who',
        source: handler('return [ctx.request.method, ctx.request.path, ctx.request.query.q, ctx.request.headers.a, ctx.user.id, ctx.tenant.id]'),
      })
      const { output } = await platform.invoke('who', 1, {
        request: { method: 'PUT', path: '/x', query: { q: '1' }, headers: { a: 'b' } },
        user: { id: 'ada' },
      })
      expect(output).to.deep.equal(['PUT', '/x', '1', 'b', 'ada', 'default'])
    })

    it('throws what went wrong with the outcome, logs included', async () => {
      const { version } = await platform.deploy({ name: 'bad', source: handler('console.log("before"); throw new TypeError("no")') })
      const error = await rejection(platform.invoke('bad'), 'FUNCTION_ERROR')
      const outcome = error.details['outcome'] as { version: string; logs: { message: string }[]; durationMs: number; invocationId: string }
      expect(outcome.version).to.equal(version)
      expect(outcome.logs.map(({ message }) => message)).to.deep.equal(['before'])
      expect(outcome.durationMs).to.be.a('number')
      expect((await platform.invocations('bad')).items[0]).to.include({ invocationId: outcome.invocationId, outcome: 'FUNCTION_ERROR' })
    })

    it('refuses input that JSON cannot hold, or that is too large', async () => {
      await platform.deploy({ name: 'in', source: handler('return 1') })
      const cycle: Record<string, unknown> = {}
      cycle['self'] = cycle
      for (const input of [
        cycle,
        1n,
        { n: 1n },
        () => 1,
        Symbol('x'),
        {
          toJSON: () => {
            throw new Error('no')
          },
        },
      ])
        await rejection(platform.invoke('in', input), 'INVALID_INPUT')
      await rejection(platform.invoke('in', 'x'.repeat(10_001)), 'PAYLOAD_TOO_LARGE')
      await rejection(platform.invoke('in', 'ü'.repeat(5000)), 'PAYLOAD_TOO_LARGE')
      expect((await platform.invoke('in', 'x'.repeat(9998))).output).to.equal(1)
    })

    it('passes JSON text on as it is, in and out', async () => {
      await platform.deploy({ name: 'echo-text', source: '/** @function */ export default (input: unknown) => input' })
      for (const text of ['null', '0', '"\u2028é\\n"', ' {"b":[1,{}],\n"a":1}']) {
        for (const given of [text, Buffer.from(text)]) {
          const { outputJson, version } = await platform.invokeJson('echo-text', given)
          expect(outputJson).to.equal(JSON.stringify(JSON.parse(text)))
          expect(version).to.match(/^v_/)
        }
      }
      for (const nothing of [undefined, '', new Uint8Array(0)])
        expect((await platform.invokeJson('echo-text', nothing)).outputJson).to.equal(undefined)
    })

    it('refuses text that is not JSON, too deep or too long before a function sees it', async () => {
      await platform.deploy({ name: 'in-text', source: handler('return 1') })
      const wrong = ['{', '{"a":1}}', "{'a':1}", '\u0000', '['.repeat(201) + ']'.repeat(201), new Uint8Array([34, 255, 34]), [1], 7, null]
      for (const text of wrong) await rejection(platform.invokeJson('in-text', text as string), 'INVALID_INPUT')
      await rejection(platform.invokeJson('in-text', `"${'x'.repeat(9999)}"`), 'PAYLOAD_TOO_LARGE')
      await rejection(platform.invokeJson('in-text', Buffer.from(`"${'ü'.repeat(5000)}"`)), 'PAYLOAD_TOO_LARGE')
      expect((await platform.invokeJson('in-text', '['.repeat(200) + ']'.repeat(200))).outputJson).to.equal('1')
      expect((await platform.invocations('in-text')).items).to.have.length(1)
    })

    it('refuses wrong options', async () => {
      await platform.deploy({ name: 'opt', source: handler('return 1') })
      const wrong: unknown[] = [
        { timeout: 1 },
        { timeoutMs: 0 },
        { timeoutMs: '1' },
        { signal: {} },
        { user: 'ada' },
        { user: {} },
        { user: { id: 'a', n: 1n } },
        { request: { verb: 'GET' } },
        { request: { headers: { a: 1 } } },
        null,
        7,
      ]
      for (const options of wrong) await rejection(platform.invoke('opt', 1, options as object), 'INVALID_OPTION')
      await rejection(platform.invoke('opt', 1, { version: 'v_1' }), 'VERSION_NOT_FOUND')
      await rejection(platform.invoke('nothing'), 'FUNCTION_NOT_FOUND')
      await rejection(platform.invoke('constructor'), 'FUNCTION_NOT_FOUND')
    })

    it('lowers the timeout of a call, and cancels it', async () => {
      await platform.deploy({ name: 'slow', source: handler('for (;;) await new Promise((resolve) => setTimeout(resolve, 1000))') })
      await rejection(platform.invoke('slow', 1, { timeoutMs: 50 }), 'TIMEOUT')
      await rejection(platform.invoke('slow', 1, { signal: AbortSignal.abort() }), 'CANCELLED')
    })
  })

  describe('fetch', () => {
    const source = `/** @function */\nexport default { async fetch(request) {
      const url = new URL(request.url)
      if (url.pathname === '/throw') throw new Error('no')
      if (url.pathname === '/none') return new Response(null, { status: 204, headers: { 'x-a': '1' } })
      const headers = new Headers([['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['X-Cordon-Invocation-Id', 'forged']])
      return new Response(request.method + ' ' + url.search + ' ' + (await request.text()), { status: 201, headers })
    } }`

    it('hands the request over and the response back', async () => {
      await platform.deploy({ name: 'web', source })
      // An exchange is over, and recorded, a moment after its response.
      let recorded = 0
      const both = new Promise<void>((resolve) => platform.on('invocation', () => ++recorded === 2 && resolve()))
      const response = await platform.fetch('web', new Request('http://localhost/x?q=1', { method: 'POST', body: 'hello' }))
      expect([response.status, await response.text(), response.headers.getSetCookie()]).to.deep.equal([201, 'POST ?q=1 hello', ['a=1', 'b=2']])
      const none = await platform.fetch('web', new Request('http://localhost/none'))
      expect([none.status, none.headers.get('x-a'), none.body]).to.deep.equal([204, '1', null])
      await both
      const { items } = await platform.invocations('web')
      expect(items.map(({ outcome }) => outcome)).to.deep.equal(['success', 'success'])
      // Newest first. What the function says in this header about itself does not count.
      const said = [none, response].map(({ headers }) => headers.get('x-cordon-invocation-id'))
      expect(said).to.deep.equal(items.map(({ invocationId }) => invocationId))
    })

    it('rejects with what went wrong', async () => {
      await platform.deploy({ name: 'web', source })
      const error = await rejection(platform.fetch('web', new Request('http://localhost/throw')), 'FUNCTION_ERROR')
      expect(error.details['outcome']).to.include.keys('durationMs', 'invocationId')
      await rejection(
        platform.fetch('web', new Request('http://localhost/', { method: 'POST', body: 'x', headers: { 'content-length': '10001' } })),
        'PAYLOAD_TOO_LARGE',
      )
      await rejection(platform.fetch('web', 'http://localhost/' as unknown as Request), 'INVALID_OPTION')
    })

    it('names the other call when the kind is wrong', async () => {
      await platform.deploy({ name: 'web', source })
      await platform.deploy({ name: 'json', source: handler('return 1') })
      expect((await rejection(platform.invoke('web'), 'INVALID_INPUT')).message).to.contain('fetch')
      expect((await rejection(platform.fetch('json', new Request('http://localhost/')), 'INVALID_INPUT')).message).to.contain('invoke')
    })
  })

  describe('reuse', () => {
    const counting = (config: string) => handler('return ++calls', `let calls = 0; export const config = ${config}`)
    const outputs = async (name: string) => {
      const one = (await platform.invoke(name)).output
      return [one, ...(await Promise.all([platform.invoke(name), platform.invoke(name)])).map(({ output }) => output)]
    }

    it('of false in the config of a function gives every invocation a sandbox of its own, and survives a rollback', async () => {
      await platform.deploy({ name: 'counts', source: counting('{ reuse: false }') })
      expect(await outputs('counts')).to.deep.equal([1, 1, 1])
      await platform.deploy({ name: 'counts', source: counting('{ timeoutMs: 3000 }'), config: { reuse: true } })
      const reused = [await platform.invoke('counts'), await platform.invoke('counts')]
      expect(reused.map(({ output }) => output)).to.deep.equal([1, 2])
      await platform.functions.rollback('counts')
      expect(await outputs('counts')).to.deep.equal([1, 1, 1])
    })
  })

  describe('capabilities', () => {
    it('denies the database to a function without the grant, with the remedy', async () => {
      await platform.deploy({
        name: 'nodb',
        source: handler('return (await ctx.db.query("select 1")).rowCount', 'export const config = { database: false }'),
      })
      expect((await rejection(platform.invoke('nodb'), 'CAPABILITY_DENIED')).message).to.contain('database: true')
    })

    it('gives the database, with transactions that roll back', async () => {
      const body = `
        await ctx.db.query('create table if not exists t (n integer, at timestamptz, b bytea)')
        await ctx.db.transaction(async (tx) => { await tx.query('insert into t values ($1, $2, $3)', [1, new Date(0), new Uint8Array([1, 2])]) })
        await ctx.db.transaction(async (tx) => { await tx.query('insert into t values (2)'); throw new Error('no') }).catch(() => {})
        const { rows, rowCount } = await ctx.db.sql\`select n, at, b from t where n < \${10}\`
        return { rowCount, n: rows[0].n, at: rows[0].at.toISOString(), b: [...rows[0].b] }`
      await platform.deploy({ name: 'withdb', source: handler(body, 'export const config = { database: true }') })
      expect((await platform.invoke('withdb')).output).to.deep.equal({ rowCount: 1, n: 1, at: '1970-01-01T00:00:00.000Z', b: [1, 2] })
    })

    it('reports a refused query and a slow one as what they are', async () => {
      await platform.deploy({
        name: 'sql',
        source: handler('return (await ctx.db.query(input)).rowCount', 'export const config = { database: true, timeoutMs: 1000 }'),
      })
      expect((await rejection(platform.invoke('sql', 'select * from missing'), 'QUERY_FAILED')).details).to.include({ sqlState: '42P01' })
      await rejection(platform.invoke('sql', 'select pg_sleep(10)'), 'QUERY_TIMEOUT')
      expect((await platform.invoke('sql', 'select 1')).output).to.equal(1)
    })
  })

  it('emits events, and no listener hurts another', async () => {
    const seen: string[] = []
    const off = [
      platform.on('deployment', () => {
        throw new Error('listener')
      }),
      platform.on('deployment', ({ kind }: PlatformEvents['deployment']) => void seen.push(kind)),
      platform.on('invocation', ({ outcome }) => void seen.push(outcome)),
    ]
    await platform.deploy({ name: 'event', source: handler('return 1') })
    await platform.invoke('event')
    await platform.functions.remove('event')
    for (const remover of off) remover()
    await platform.deploy({ name: 'event', source: handler('return 1') })
    expect(seen).to.deep.equal(['deploy', 'success', 'remove'])
    expect(logger.lines.filter((line) => line.includes('listener'))).to.have.length(2)
    await rejection(() => platform.on('unknown' as 'warning', () => undefined), 'INVALID_OPTION')
  })

  it('has figures, and is the default tenant', async () => {
    await platform.deploy({ name: 'stat', source: handler('return 1') })
    const stats = platform.stats()
    expect(stats.functions).to.equal(1)
    expect(stats).to.include.keys('sandbox', 'sandboxes', 'pool', 'records', 'running', 'queued', 'invocations')
    expect((await platform.tenant('default').invoke('stat')).output).to.equal(1)
    await rejection(platform.tenant('acme').invoke('stat'), 'FUNCTION_NOT_FOUND')
  })
})
