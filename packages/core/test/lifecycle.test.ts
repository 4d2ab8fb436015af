import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createEmbeddedServer, createSqlPool } from '@cordon/pool'
import { createReaper } from '@cordon/executor'
import { createPlatform, type Platform, type PlatformEvents } from '@cordon/core'
import { isRecord } from '@cordon/contracts'
import { rejection } from './support/rejection.ts'
import { createNotingLogger, createScratch, handler } from './support/scratch.ts'

const fixture = (name: string): string => fileURLToPath(new URL(`../test/fixtures/${name}`, import.meta.url))

describe('platform lifecycle', function () {
  // Every test starts and stops whole platforms.
  this.timeout(60_000)
  let path: string
  let remove: () => Promise<void>
  const opened: Platform[] = []

  before(async () => {
    ;({ path, remove } = await createScratch())
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((platform) => platform.destroy()))
  })
  after(() => remove())

  async function open(options: Parameters<typeof createPlatform>[0] = {}): Promise<Platform> {
    const platform = await createPlatform({ dataDir: join(path, 'data'), ...options })
    opened.push(platform)
    return platform
  }

  it('keeps functions, versions, history and records across a restart', async () => {
    const first = await open()
    const one = await first.deploy({ name: 'kept', source: handler('console.log("old"); return 1'), label: 'one' })
    await first.deploy({ name: 'kept', source: handler('return 2') })
    await first.invoke('kept', undefined, { version: one.version })
    const before = [await first.functions.list(), await first.functions.versions('kept')]
    await first.close()
    const second = await open()
    expect([await second.functions.list(), await second.functions.versions('kept')]).to.deep.equal(before)
    expect((await second.invoke('kept')).output).to.equal(2)
    expect((await second.logs('kept')).items.map(({ message }) => message)).to.deep.equal(['old'])
    expect(await second.functions.rollback('kept')).to.include({ version: one.version })
    await second.functions.remove('kept')
  })

  it('gives every invocation a sandbox of its own when the host says so, whatever a function asks for', async () => {
    const platform = await open({ limits: { reuse: false } })
    expect(platform.options.limits.reuse).to.equal(false)
    await platform.deploy({ name: 'counts', source: handler('return ++calls', 'let calls = 0; export const config = { reuse: true }') })
    const first = await platform.invoke('counts')
    const others = await Promise.all([platform.invoke('counts'), platform.invoke('counts')])
    expect([first, ...others].map(({ output }) => output)).to.deep.equal([1, 1, 1])
    await platform.functions.remove('counts')
  })

  it('warns once of a function that fails again and again when it is started, and says when it is tried again', async () => {
    const logger = createNotingLogger()
    const platform = await open({ logger, scheduling: { maxSandboxes: 2 } })
    expect(platform.options.scheduling).to.include({ maxSandboxes: 2, spares: 1 })
    const warnings: PlatformEvents['warning'][] = []
    platform.on('warning', (warning) => void warnings.push(warning))
    await platform.deploy({ name: 'broken', source: handler('return 1', 'throw new Error("no luck")') })
    const errors = []
    for (let call = 0; call < 4; call++) errors.push(await rejection(platform.invoke('broken'), 'LOAD_FAILED'))
    expect(errors.at(-1)?.message).to.match(/the last \d starts failed, most recently with LOAD_FAILED .*no luck.*; the next one is tried in \d+ ms/)
    expect(errors.at(-1)?.details['retryAfterMs']).to.be.greaterThan(0)
    expect(warnings.map(({ message, error }) => [message.includes('"broken"'), error?.code])).to.deep.equal([[true, 'LOAD_FAILED']])
    expect(logger.lines.filter((line) => line.startsWith('warn: The function "broken"'))).to.have.length(1)
    await platform.functions.remove('broken')
  })

  it('runs functions in threads when told so, with a warning', async () => {
    const logger = createNotingLogger()
    const platform = await open({ isolation: 'thread', hardening: 'best-effort', logger })
    const warned = new Promise<string>((resolve) => void platform.on('warning', ({ message }) => resolve(message)))
    expect(await warned).to.contain('no wall')
    expect(logger.lines.join()).to.contain('no wall')
    expect(platform.stats().sandbox.level).to.equal('thread')
    await platform.deploy({
      name: 'asks',
      source: handler(
        `ctx.log.info('asked'); return (await ctx.db.query('select 1 + $1::int as sum', [input])).rows`,
        'export const config = { database: true }',
      ),
    })
    const { output, logs } = await platform.invoke('asks', 2)
    expect(output).to.deep.equal([{ sum: 3 }])
    expect(logs.map(({ message }) => message)).to.deep.equal(['asked'])
    await platform.functions.remove('asks')
  })

  it('refuses threads where hardening is required, before anything is started', async () => {
    const error = await rejection(
      createPlatform({ dataDir: join(path, 'never'), isolation: 'thread', hardening: 'required' }),
      'HARDENING_UNAVAILABLE',
    )
    expect(error.message).to.contain("isolation: 'process'")
    expect(existsSync(join(path, 'never'))).to.equal(false)
  })

  it('is shared inside a process, and stops with its last handle', async () => {
    const logger = createNotingLogger()
    const one = await open({ logger })
    const two = await open({ limits: { timeoutMs: 1 } })
    expect(two.options).to.equal(one.options)
    expect(logger.lines.join()).to.contain('keeps the options it was started with')
    await one.deploy({ name: 'shared', source: handler('return 1') })
    await one.close()
    await one.close()
    await one.destroy()
    expect((await two.invoke('shared')).output).to.equal(1)
    await two.functions.remove('shared')
    await two.close()
    expect(readdirSync(join(path, 'data'))).not.to.include('lock')
  })

  it('is shared by every spelling of its directory', async () => {
    const link = join(path, 'link')
    symlinkSync('data', link)
    const [one, other] = await Promise.all([open(), open({ dataDir: link })])
    await one.deploy({ name: 'shared', source: handler('return 1') })
    expect((await other.functions.get('shared')).name).to.equal('shared')
    await other.functions.remove('shared')
  })

  it('starts again while the last handle is closing', async () => {
    const one = await open()
    const closing = one.close()
    const two = await open()
    await closing
    expect(await two.functions.list()).to.deep.equal([])
  })

  it('answers every call on a closed handle with CLOSED', async () => {
    const platform = await open()
    await platform.close()
    const calls: (() => unknown)[] = [
      () => platform.deploy({ name: 'a', source: 'a' }),
      () => platform.analyze({ source: 'a' }),
      () => platform.invoke('a'),
      () => platform.fetch('a', new Request('http://localhost/')),
      () => platform.functions.list(),
      () => platform.functions.get('a'),
      () => platform.functions.versions('a'),
      () => platform.functions.rollback('a'),
      () => platform.functions.remove('a'),
      () => platform.logs(),
      () => platform.logs(undefined, { follow: true }),
      () => platform.invocations(),
      () => platform.on('warning', () => undefined),
    ]
    for (const call of calls) await rejection(call, 'CLOSED')
  })

  it('finishes what runs on close, and writes its record', async () => {
    const platform = await open()
    await platform.deploy({
      name: 'slow',
      source: handler('await new Promise((resolve) => setTimeout(resolve, 200)); console.log("done"); return 1'),
    })
    const call = platform.invoke('slow')
    const followed = collect(platform.logs('slow', { follow: true }))
    await platform.close()
    expect((await call).output).to.equal(1)
    expect(await followed).to.deep.equal(['done'])
    const again = await open()
    expect((await again.logs('slow')).items.map(({ message }) => message)).to.deep.equal(['done'])
    await again.functions.remove('slow')
  })

  it('kills what runs on destroy, also while it is closing', async () => {
    const platform = await open()
    await platform.deploy({
      name: 'endless',
      source: handler('for (;;) await new Promise((resolve) => setTimeout(resolve, 1000))'),
      config: { timeoutMs: 60_000 },
    })
    const call = platform.invoke('endless').catch((error: unknown) => error)
    await once(process, 'newListener', { signal: AbortSignal.timeout(1) }).catch(() => undefined)
    const closing = platform.close()
    await platform.destroy()
    await closing
    expect(await call).to.be.instanceOf(Error)
    const again = await open()
    await again.functions.remove('endless')
  })

  it('refuses wrong options and a data directory that is a file', async () => {
    await rejection(createPlatform({ dataDirectory: 'x' } as object), 'INVALID_OPTION')
    await rejection(createPlatform({ databaseUrl: 'mysql://localhost' }), 'INVALID_OPTION')
    writeFileSync(join(path, 'file'), '')
    await rejection(createPlatform({ dataDir: join(path, 'file') }), 'INVALID_OPTION')
  })

  it('names the process that holds the data directory', async () => {
    const dataDir = join(path, 'held')
    const { prepareDataDir } = await import('../dist/data-dir/data-dir.js')
    await prepareDataDir(dataDir)
    const child = fork(fixture('hold-lock.mjs'), [dataDir])
    await once(child, 'message')
    const error = await rejection(createPlatform({ dataDir }), 'DATA_DIR_IN_USE')
    expect(error.details['pid']).to.equal(child.pid)
    const exit = once(child, 'exit')
    child.disconnect()
    await exit
  })

  it('has the old or the new version live after a crash while it deploys', async function () {
    // Three hosts, one after the other, each with a recovery of the database.
    this.timeout(120_000)
    const dataDir = join(path, 'data')
    let next = 1
    for (const pauseMs of [0, 7, 23]) {
      let [deploying, deployed] = [0, 0]
      const child = fork(fixture('deploying-host.mjs'), [dataDir, String(next)])
      const enough = new Promise<void>((resolve) => {
        child.on('message', (message: unknown) => {
          if (!isRecord(message)) return
          if (typeof message['deploying'] === 'number') deploying = message['deploying']
          if (typeof message['deployed'] === 'number') deployed = message['deployed']
          if (deployed > next) resolve()
        })
      })
      await enough
      const exit = once(child, 'exit')
      // At different points of the deployment that runs.
      setTimeout(() => child.kill('SIGKILL'), pauseMs)
      await exit
      const platform = await open({ dataDir })
      const { output } = await platform.invoke<undefined, number>('crash')
      expect(output).to.be.within(deployed, deploying)
      const versions = await platform.functions.versions('crash')
      for (const { version } of versions) await platform.invoke('crash', undefined, { version })
      await platform.close()
      next = deploying + 1
    }
  })

  it('uses a server by URL, goes on calling while it is away, and says what it cannot do', async () => {
    const reaper = createReaper()
    const server = await createEmbeddedServer({ dataDir: join(path, 'data'), reaper })
    const { user, host, port, database } = server.connection
    const logger = createNotingLogger()
    const databaseUrl = `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
    const platform = await open({ dataDir: join(path, 'unused'), databaseUrl, logger })
    expect(readdirSync(path)).not.to.include('unused')
    await platform.deploy({ name: 'away', source: handler('return 1') })
    expect((await platform.invoke('away')).output).to.equal(1)
    await server.close()
    await reaper.close()
    expect((await platform.invoke('away')).output).to.equal(1)
    const warned = new Promise<string>((resolve) => platform.on('warning', ({ message }) => resolve(message)))
    const [error] = await Promise.all([
      rejection(platform.logs('away'), 'STORE_UNAVAILABLE'),
      rejection(platform.deploy({ name: 'away', source: handler('return 2') }), 'STORE_UNAVAILABLE'),
    ])
    expect(error.retryable).to.equal(true)
    expect(await warned).to.contain('kept in memory')
    expect(platform.stats().records.buffered).to.be.greaterThan(0)
    expect((await platform.invoke('away')).output).to.equal(1)
    await platform.close()
    expect(logger.lines.at(-1)).to.match(/invocation records .* lost/)
  })

  it('refuses a schema that a newer version wrote, and leaves nothing running', async () => {
    const dataDir = join(path, 'data')
    const reaper = createReaper()
    const server = await createEmbeddedServer({ dataDir, reaper })
    const sql = createSqlPool({ connection: server.connection, max: 1, acquireTimeoutMs: 5000, queryTimeoutMs: 5000, applicationName: 'test' })
    await sql.query("insert into cordon.migrations values (9999, 'future')")
    await sql.close()
    await server.close()
    await reaper.close()
    const error = await rejection(createPlatform({ dataDir }), 'STORE_UNAVAILABLE')
    expect(error.message).to.contain('9999').and.contain('start the newer version')
    expect(readdirSync(dataDir)).not.to.include('lock')
    // Nothing of the first attempt is in the way of the next.
    await rejection(createPlatform({ dataDir }), 'STORE_UNAVAILABLE')
  })

  it('imports neither the analyzer nor esbuild nor pg nor the archive readers', () => {
    const loaded = execFileSync(process.execPath, [fixture('list-imports.mjs')], { encoding: 'utf8' })
      .trim()
      .split('\n')
    expect(loaded.some((url) => url.endsWith('/core/dist/index.js'))).to.equal(true)
    const packages = loaded.filter((url) => /ts-morph|esbuild|\/pg|yauzl|tar-stream|tinypool|\/(analyzer|executor|pool)\/dist/.test(url))
    expect(packages).to.deep.equal([])
    expect(loaded.length).to.be.below(40)
  })
})

async function collect(entries: AsyncIterable<{ readonly message: string }>): Promise<string[]> {
  const messages: string[] = []
  for await (const { message } of entries) messages.push(message)
  return messages
}
