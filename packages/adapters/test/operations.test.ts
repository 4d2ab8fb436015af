import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createHandler } from '@cordon/adapters'
import { serve, type HandlerOptions, type RunningServer } from '@cordon/adapters/node'
import { createPlatform, type Platform } from '@cordon/core'
import { databaseStatus } from '@cordon/core/database'
import { trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { expect } from 'chai'
import parse from 'parse-prometheus-text-format'
import { listenElsewhere, type HeadersElsewhere } from './support/headers-elsewhere.ts'
import { fixture, openPlatform, type OpenPlatform } from './support/open-platform.ts'
import { installSdk, type Spans } from './support/spans.ts'

/** A metric as the parser gives it. */
type Family = ReturnType<typeof parse>[number]

const token = 'sixteen-letters-and-more'
const bearer = { headers: { authorization: `bearer ${token}` } }

describe('what operators ask', function () {
  this.timeout(30_000)
  let opened: OpenPlatform
  let server: RunningServer
  let elsewhere: HeadersElsewhere

  const lines: unknown[] = []
  let isLoggerBroken = false
  function noteAt(level: string) {
    return (fields: Readonly<Record<string, unknown>>, message: string): void => {
      lines.push({ level, message, ...fields })
      if (isLoggerBroken) throw new Error('the disk is full')
    }
  }

  before(async () => {
    elsewhere = await listenElsewhere()
    opened = await openPlatform(['double', 'members', 'web', 'nothing'], {
      net: { allowPrivate: [`localhost:${elsewhere.port}`] },
      metrics: { functions: 2, token },
      log: { requests: true },
      logger: { debug: noteAt('debug'), info: noteAt('info'), warn: noteAt('warn'), error: noteAt('error') },
    })
    server = await serve(opened.platform, { port: 0 })
  })
  after(async () => {
    await server.close()
    await opened.close()
    await elsewhere.close()
  })

  async function health(path: string, init?: RequestInit): Promise<{ status: number; body: unknown; headers: Headers }> {
    const response = await fetch(`${server.url}/health/${path}`, init)
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers }
  }

  describe('health', () => {
    const passing = { database: [{ status: 'pass' }], platform: [{ status: 'pass' }], sandboxes: [{ status: 'pass' }] }

    it('says that it lives and is ready', async () => {
      expect(await health('live')).to.deep.include({ status: 200, body: { status: 'pass' } })
      const ready = await health('ready')
      expect(ready).to.deep.include({ status: 200, body: { status: 'pass', checks: passing } })
      expect(ready.headers.get('content-type')).to.equal('application/health+json')
      expect(ready.headers.get('cache-control')).to.equal('no-store')
      expect(await health('ready', { method: 'HEAD' })).to.deep.include({ status: 200, body: undefined })
      for (const [path, method, status] of [
        ['ready', 'POST', 405],
        ['live', 'DELETE', 405],
        ['x', 'GET', 404],
        ['ready/', 'GET', 404],
        ['', 'GET', 404],
      ] as const)
        expect((await health(path, { method })).status, `${method} ${path}`).to.equal(status)
    })

    it('answers strangers, below a mount too', async () => {
      const handle = createHandler(opened.platform, { basePath: '/cordon', authenticate: () => null })
      const response = await handle(new Request('http://host.test/cordon/health/ready'))
      expect([response.status, await response.json()]).to.deep.equal([200, { status: 'pass', checks: passing }])
    })

    it('is not ready while the database hangs or is away, and is again when it is back', async () => {
      const { pid = 0 } = await databaseStatus({ dataDir: opened.dataDir })
      const processes = [pid, ...(await childrenOf(pid))]
      for (const one of processes) signal(one, 'SIGSTOP')
      try {
        let hanging = await health('ready')
        while (hanging.status === 200) hanging = await health('ready')
        expect(hanging).to.deep.include({ status: 503, body: { status: 'fail', checks: { ...passing, database: [{ status: 'fail' }] } } })
        expect(await health('live')).to.include({ status: 200 })
      } finally {
        for (const one of processes) signal(one, 'SIGCONT')
      }
      while ((await health('ready')).status !== 200);
      // One that hung for long was started anew.
      signal((await databaseStatus({ dataDir: opened.dataDir })).pid ?? 0, 'SIGKILL')
      while ((await health('ready')).status !== 200);
    })

    it('is not ready once the platform closes', async () => {
      // Shares the host of the other one.
      const platform = await createPlatform({ dataDir: opened.dataDir })
      const handle = createHandler(platform)
      const closing = platform.close()
      const response = await handle(new Request('http://host.test/health/ready'))
      expect(response.status).to.equal(503)
      expect(await response.json())
        .to.have.property('checks')
        .that.deep.includes({ platform: [{ status: 'fail' }] })
      expect((await handle(new Request('http://host.test/health/live'))).status).to.equal(200)
      await closing
    })
  })

  describe('metrics', () => {
    async function scrape(): Promise<ReadonlyMap<string, Family>> {
      const response = await fetch(`${server.url}/metrics`, bearer)
      expect(response.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8')
      return new Map(parse(await response.text()).map((family) => [family.name, family]))
    }
    function valueOf(families: ReadonlyMap<string, Family>, name: string, labels: Readonly<Record<string, string>> = {}): number {
      const found = families.get(name)?.metrics.find((one) => Object.entries(labels).every(([key, value]) => one.labels?.[key] === value))
      return Number(found?.value ?? found?.count ?? 0)
    }

    it('are what their reference says, in a format that parsers and promtool take', async () => {
      const families = await scrape()
      const documented = await readFile(new URL('../../../docs/reference/metrics.md', import.meta.url), 'utf8')
      const rows = [...documented.matchAll(/^\| `(\w+)` \| (\w+) \|.*\| (.+) \|$/gm)].map(([, name, type, help]) => `${name} ${type} ${help}`)
      const said = [...families.values()].filter(({ name }) => name.startsWith('cordon_'))
      expect(said.map(({ name, type, help }) => `${name} ${type.toLowerCase()} ${help}`)).to.have.members(rows)
      expect(families.has('process_cpu_seconds_total') && families.has('nodejs_eventloop_lag_seconds')).to.equal(true)
      const text = await (await fetch(`${server.url}/metrics`, bearer)).text()
      const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
      // Not there on every machine.
      if (checked.error === undefined) expect([checked.status, checked.stderr]).to.deep.equal([0, ''])
    })

    it('count calls by outcome and function, no more functions than asked for, and forget those that are removed', async () => {
      const before = await scrape()
      const { platform } = opened
      for (let count = 0; count < 3; count++) await platform.invoke('double', { n: 1 })
      for (let count = 0; count < 2; count++) await platform.fetch('web', new Request('http://host.test/x')).then((response) => response.text())
      await platform.invoke('nothing')
      await platform.invoke('web').catch(() => undefined)
      // The record of an HTTP function is there a moment after its answer.
      let after = await scrape()
      while (valueOf(after, 'cordon_invocations_total', { outcome: 'success' }) < 6) after = await scrape()
      const grown = (name: string, labels?: Readonly<Record<string, string>>): number => valueOf(after, name, labels) - valueOf(before, name, labels)
      expect(grown('cordon_invocations_total', { outcome: 'success' })).to.equal(6)
      expect(grown('cordon_invocations_total', { outcome: 'INVALID_INPUT' })).to.equal(1)
      expect(grown('cordon_invocation_queue_seconds')).to.equal(7)
      // How many there are depends on what was loaded ahead.
      expect(valueOf(after, 'cordon_cold_starts_total')).to.equal(platform.stats().coldStarts)
      const shown = (families: ReadonlyMap<string, Family>): unknown[] =>
        (families.get('cordon_function_invocations_total')?.metrics ?? []).map(({ labels, value }) => [
          labels?.['function'],
          labels?.['result'],
          value,
        ])
      expect(shown(after)).to.deep.equal([
        ['double', 'success', '3'],
        ['double', 'failure', '0'],
        ['web', 'success', '2'],
        ['web', 'failure', '1'],
      ])
      await platform.functions.remove('double')
      expect(shown(await scrape()).flat()).to.not.include('double')
      await platform.deploy({ name: 'double', path: fixture('double') })
    })

    it('are for those who have the token', async () => {
      const { platform } = opened
      async function status(of: Platform, init: RequestInit, options?: HandlerOptions): Promise<number> {
        return (await createHandler(of, options)(new Request('http://host.test/metrics', init))).status
      }
      // A caller of functions, even an owner, is not an operator.
      for (const options of [{}, { authenticate: () => null }, { authenticate: () => ({ user: { id: 'ada' } }) }]) {
        expect(await status(platform, {}, options)).to.equal(401)
        expect(await status(platform, { headers: { authorization: `Bearer ${token}x` } }, options)).to.equal(401)
        expect(await status(platform, bearer, options)).to.equal(200)
      }
      expect(await status(platform, { ...bearer, method: 'HEAD' })).to.equal(200)
      expect(await status(platform, { ...bearer, method: 'POST' })).to.equal(405)
      const scoped = platform.tenant('other')
      expect(scoped.options.metrics.token).to.equal(undefined)
      expect(await status(scoped, bearer)).to.equal(403)
    })

    it('can be read a hundred times at once', async () => {
      const texts = await Promise.all(Array.from({ length: 100 }, () => opened.platform.metrics()))
      expect(new Set(texts).size).to.equal(1)
    })
  })

  describe('the log of requests', () => {
    async function lineOf(path: string, init?: RequestInit): Promise<unknown> {
      lines.length = 0
      const response = await createHandler(opened.platform, { authenticate: () => ({ tenant: 'default', user: { id: 'ada' } }) })(
        new Request(`http://host.test${path}`, init),
      )
      await response.text()
      const [line, ...others] = lines
      expect(others).to.deep.equal([])
      expect(line).to.have.property('ms').that.is.a('number')
      return Object.fromEntries(Object.entries(line ?? {}).filter(([name]) => name !== 'ms' && name !== 'invocationId'))
    }
    const request = { level: 'info', message: 'request', method: 'GET' }

    it('has a line for each, with its route and not with what it carries', async () => {
      const called = { ...request, tenant: 'default', function: 'double', route: '/fn/:name/*', status: 200 }
      expect(await lineOf('/fn/double?n=1&secret=hunter2', { headers: { cookie: 'hunter2' } })).to.deep.equal(called)
      expect(lines[0]).to.have.property('invocationId').that.matches(/^inv_/)
      expect(await lineOf('/fn/hunter2')).to.deep.equal({ ...request, tenant: 'default', route: '/fn/:name/*', status: 404 })
      expect(await lineOf('/api/functions/double/versions?token=x')).to.deep.equal({
        ...request,
        route: '/api/functions/:name/versions',
        status: 200,
      })
      expect(await lineOf('/hunter2')).to.deep.equal({ ...request, route: undefined, status: 404 })
      expect(await lineOf('/health/live')).to.deep.equal({ ...request, level: 'debug', route: '/health/live', status: 200 })
    })

    it('may fail as it likes', async () => {
      isLoggerBroken = true
      const stop = opened.platform.on('invocation', () => {
        throw new Error('of a listener')
      })
      try {
        lines.length = 0
        expect((await fetch(`${server.url}/fn/double?n=2`)).status).to.equal(200)
        expect(lines).to.have.length(2)
      } finally {
        isLoggerBroken = false
        stop()
      }
    })
  })

  describe('traces', () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const parentId = 'b7ad6b7169203331'
    const traceparent = `00-${traceId}-${parentId}-01`
    let spans: Spans

    before(async () => {
      await opened.platform.deploy({ name: 'inner', source: '/** @function */\nexport default async (input: { n: number }) => input.n + 1' })
      await opened.platform.deploy({
        name: 'traced',
        source: `export const config = { database: true, net: ['localhost:${elsewhere.port}'], functions: ['inner'] }
/** @function */
export default async (input: { own?: string }, ctx: Context) => {
  await ctx.db.query("select 'hunter2', $1::int /* it's */", [7])
  await ctx.db.query('selec').catch(() => undefined)
  const headers = input.own === undefined ? {} : { traceparent: input.own }
  await (await fetch('http://localhost:${elsewhere.port}/path?key=hunter2', { headers })).text()
  return [await ctx.functions.invoke('inner', { n: 1 }), ctx.invocation.traceparent]
}`,
      })
    })
    after(() => spans.stop())

    function call(headers: Record<string, string>, input: unknown = {}): Promise<Response> {
      const init = { method: 'POST', body: JSON.stringify(input), headers: { 'content-type': 'application/json', ...headers } }
      return fetch(`${server.url}/fn/traced?key=hunter2`, init)
    }

    it('are passed on without an SDK, and are nothing when nobody wants them', async () => {
      expect(await (await call({})).json()).to.deep.equal([2, null])
      expect(elsewhere.headers).to.not.have.any.keys('traceparent', 'tracestate')
      await call({ traceparent, tracestate: 'vendor=1' })
      expect(elsewhere.headers).to.include({ traceparent, tracestate: 'vendor=1' })
      const { items } = await opened.platform.invocations(undefined, { limit: 4 })
      // The first two began in the trace, the other two in none.
      expect(items.map((one) => [one.function, one.traceId])).to.deep.equal([
        ['inner', traceId],
        ['traced', traceId],
        ['inner', undefined],
        ['traced', undefined],
      ])
    })

    it('go from the request through the function to the database, other hosts and other functions', async () => {
      spans = installSdk()
      await opened.platform.deploy({ name: 'inner', source: '/** @function */\nexport default async (input: { n: number }) => input.n + 2' })
      const output: unknown = await (await call({ traceparent, tracestate: 'vendor=1' })).json()
      const ended = spans.ended()
      expect(new Set(ended.map((span) => span.spanContext().traceId))).to.deep.equal(new Set([traceId]))
      const named = (name: string): ReadableSpan => {
        const found = ended.find((span) => span.name === name)
        if (found === undefined) throw new Error(`no span "${name}" among ${ended.map((span) => span.name).join(', ')}`)
        return found
      }
      const parentOf = (name: string): string | undefined => named(name).parentSpanContext?.spanId
      const idOf = (name: string): string => named(name).spanContext().spanId
      expect(parentOf('POST /fn/:name/*')).to.equal(parentId)
      expect(parentOf('traced')).to.equal(idOf('POST /fn/:name/*'))
      for (const name of ['SELECT', 'QUERY', 'GET', 'inner']) expect(parentOf(name), name).to.equal(idOf('traced'))
      // Whether it was loaded for this call, or ahead, is up to the machine.
      const isLoaded = ended.some((span) => span.name === 'load' && span.parentSpanContext?.spanId === idOf('inner'))
      expect(isLoaded).to.equal(named('inner').attributes['faas.coldstart'])
      expect(named('POST /fn/:name/*').attributes).to.deep.include({
        'http.route': '/fn/:name/*',
        'http.response.status_code': 200,
        'url.path': '/fn/traced',
      })
      expect(named('traced').attributes).to.deep.include({ 'faas.name': 'traced', 'cordon.tenant': 'default' })
      expect(named('SELECT').attributes).to.deep.equal({
        'db.system.name': 'postgresql',
        'db.operation.name': 'SELECT',
        'db.query.text': 'select ?, $1::int',
      })
      expect(named('QUERY').attributes).to.include({ 'error.type': 'QUERY_FAILED', 'db.response.status_code': '42601' })
      expect(named('GET').attributes).to.include({ 'url.full': `http://localhost:${elsewhere.port}/path`, 'http.response.status_code': 200 })
      expect(elsewhere.headers).to.include({ traceparent: `00-${traceId}-${idOf('GET')}-01`, tracestate: 'vendor=1' })
      expect(output).to.deep.equal([3, `00-${traceId}-${idOf('traced')}-01`])
      expect(JSON.stringify(ended.map(({ attributes, name, events }) => ({ attributes, name, events })))).to.not.contain('hunter2')
    })

    it('belong to the function when it says so, and begin anew where a header is nonsense', async () => {
      const own = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`
      await call({ traceparent }, { own })
      expect(elsewhere.headers).to.include({ traceparent: own })
      const hostile = [
        `00-${'0'.repeat(32)}-${parentId}-01`,
        `00-${traceId}-${'0'.repeat(16)}-01`,
        `ff-${traceId}-${parentId}-01`,
        `00-${traceId.toUpperCase()}-${parentId}-01`,
        `${traceparent}-more`,
        `${traceparent}, ${traceparent}`,
        'x'.repeat(5000),
        `00-${traceId}-${parentId}-0g`,
      ]
      for (const header of hostile) {
        expect((await call({ traceparent: header, tracestate: '='.repeat(600) })).status).to.equal(200)
        expect(elsewhere.headers['traceparent']).to.match(/^00-[\da-f]{32}-[\da-f]{16}-01$/)
        expect(elsewhere.headers['traceparent']).to.not.contain(traceId)
        expect(elsewhere.headers).to.not.have.property('tracestate')
      }
      // A later version of the format may say more.
      await call({ traceparent: `01-${traceId}-${parentId}-01-more` })
      expect(elsewhere.headers['traceparent']).to.contain(traceId)
    })

    it('cost no call when the SDK fails', async () => {
      spans.breakSampler(true)
      try {
        expect(await (await call({ traceparent })).json()).to.deep.equal([3, null])
      } finally {
        spans.breakSampler(false)
      }
    })

    it('say what failed, and stand below a span of the host application', async () => {
      const { platform } = opened
      const before = spans.ended().length
      await trace.getTracer('host').startActiveSpan('of the host', async (span) => {
        await createHandler(platform)(new Request('http://host.test/fn/web/x', { headers: { traceparent } })).then((response) => response.text())
        await platform.fetch('double', new Request('http://host.test/')).catch(() => undefined)
        span.end()
      })
      const ended = (): readonly ReadableSpan[] => spans.ended().slice(before)
      // The span of an HTTP function ends a moment after its answer.
      while (!ended().some(({ name }) => name === 'web')) await new Promise((resolve) => setImmediate(resolve))
      const host = ended()
        .find(({ name }) => name === 'of the host')
        ?.spanContext()
      for (const name of ['web', 'double']) {
        const span = ended().find((one) => one.name === name)
        expect(span?.parentSpanContext?.spanId, name).to.equal(host?.spanId)
      }
      const failed = ended().find(({ name }) => name === 'double')
      expect([failed?.status, failed?.attributes['error.type']]).to.deep.equal([{ code: 2, message: 'INVALID_INPUT' }, 'INVALID_INPUT'])
    })
  })
})

/** Processes that a process started, where the system says so. */
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text
    .split(' ')
    .filter((one) => one !== '')
    .map(Number)
}

/** To a process that may have ended by itself. */
function signal(pid: number, name: NodeJS.Signals): void {
  // Number 0 would be this process and all around it.
  if (pid === 0) return
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
