import { expect } from 'chai'
import { PlatformError, type Capabilities, type Executor } from '@cordon/contracts'
import { conformance } from './isolations.ts'
import { failureOf, invoke, outputOf, versionOf, versionOfCode } from '../harness.ts'

/** Types of columns by their numbers in PostgreSQL's pg_type. */
const int4 = 23
const timestamptz = 1184

conformance('invoke', (createExecutor, isolation) => {
  let executor: Executor
  before(async () => (executor = await createExecutor()))
  after(() => executor.close())

  it('runs a JSON function, cold and then warm, and keeps its log', async () => {
    const version = versionOf('hello.mjs')
    const cold = await invoke(executor, version, { name: 'Ada' })
    expect(outputOf(cold)).to.deep.equal({ greeting: 'Hello Ada' })
    expect(cold.coldStart).to.equal(true)
    expect(cold.loadMs).to.be.greaterThan(0)
    expect(cold.logs.map(({ level, message, fields }) => ({ level, message, fields }))).to.deep.equal([
      { level: 'info', message: 'hello Ada', fields: undefined },
      { level: 'warn', message: 'structured', fields: { answer: 42 } },
    ])
    const warm = await invoke(executor, version, { name: 'Bob' })
    expect(outputOf(warm)).to.deep.equal({ greeting: 'Hello Bob' })
    expect(warm).to.include({ coldStart: false, bootMs: 0, loadMs: 0, droppedLogBytes: 0 })
    expect(warm.cpuMs).to.be.at.most(warm.durationMs * 8)
    if (isolation.can('tell peak memory')) expect(warm.peakMemoryMb).to.be.greaterThan(10)
  })

  it('gives the function its context', async () => {
    const output = outputOf(await invoke(executor, versionOf('context.mjs', { timeoutMs: 4000 }), undefined)) as Record<string, unknown>
    expect(output).to.include({ env: 'blue', processEnv: 'blue', timeout: '4000', memory: '128', restricted: '1', aborted: false, frozen: true })
    expect(output['user']).to.deep.equal({ id: 'ada' })
    expect(output['tenant']).to.deep.equal({ id: 'default' })
    expect(output['invocation']).to.include({ id: 'inv_1', version: 'v_0000000000000001' })
    expect(output['request']).to.deep.equal({ method: 'POST', url: '/api/functions/x/invoke', path: '/', query: { a: '1' }, headers: { 'x-a': 'b' } })
    expect(output['deadline']).to.be.a('number')
  })

  it('runs a CommonJS function', async () => {
    expect(outputOf(await invoke(executor, versionOf('common.cjs'), 'b'))).to.equal('/a/b')
  })

  it('gives the function only pure modules and globals without authority', async () => {
    const output = outputOf(await invoke(executor, versionOf('globals.mjs'))) as Record<string, unknown>
    expect(new Set(Object.values(output['denied'] as object))).to.deep.equal(new Set(['CAPABILITY_DENIED']))
    expect(output).to.deep.include({
      builtins: [],
      names: [],
      binding: 'undefined',
      prototype: true,
      useful: true,
      fetch: 'CAPABILITY_DENIED',
      functions: 'CAPABILITY_DENIED',
      cwd: '/',
      pid: 1,
    })
    expect(output['process']).not.to.include.members([
      'binding',
      'dlopen',
      'getBuiltinModule',
      'kill',
      'report',
      'permission',
      '_debugProcess',
      'mainModule',
    ])
  })

  it('is not disturbed by changed built-ins', async () => {
    const version = versionOf('tamper.mjs')
    expect(outputOf(await invoke(executor, version))).to.deep.equal({ count: 0 })
    expect(outputOf(await invoke(executor, version))).to.deep.equal({ count: 0 })
  })

  it('carries database calls, and ends the capabilities once', async () => {
    const calls: string[] = []
    let ended = 0
    const capabilities: Capabilities = {
      async call(method, argument) {
        calls.push(method)
        const { text } = argument as { text?: string }
        if (text === 'select broken') throw new PlatformError('QUERY_FAILED', 'Cannot run the query: broken', { details: { sqlState: '42601' } })
        if (method === 'db.begin') return 7
        if (method !== 'db.query') return null
        return {
          fields: [
            ['one', int4],
            ['at', timestamptz],
          ],
          rows: [['1', '1970-01-01 00:00:00+00']],
          rowCount: 1,
        }
      },
      async end() {
        ended++
      },
    }
    expect(outputOf(await invoke(executor, versionOf('database.mjs'), {}, { capabilities }))).to.deep.equal({ isDate: true, one: 1, many: 300 })
    expect(calls.slice(0, 7)).to.deep.equal(['db.query', 'db.begin', 'db.query', 'db.commit', 'db.begin', 'db.query', 'db.rollback'])
    expect(ended).to.equal(1)
    const failure = failureOf(await invoke(executor, versionOf('database.mjs'), { fail: true }, { capabilities }))
    expect(failure).to.deep.equal({ code: 'QUERY_FAILED', message: 'Cannot run the query: broken', details: { sqlState: '42601' } })
    expect(ended).to.equal(2)
  })

  it('refuses to invoke an HTTP function and to fetch a JSON function', async () => {
    expect(failureOf(await invoke(executor, versionOf('http-echo.mjs'), {})))
      .to.include({ code: 'INVALID_INPUT' })
      .and.property('message')
      .contains('platform.fetch(')
  })

  it('keeps the frames of many calls in one sandbox apart, whatever shares a write', async () => {
    const code = `handOver({ default: ({ size, n }) => {
      if (n % 3 === 0) console.log('line ' + n + 'é'.repeat(size % 50))
      if (n % 7 === 0) throw new Error('fails ' + n)
      return 'ü'.repeat(size) + n
    } })`
    const version = versionOfCode(code, { instanceConcurrency: 64, concurrency: 200 })
    await invoke(executor, version, { size: 0, n: 1 })
    const sizes = [0, 10, 200, 5000, 30_000, 70_000]
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, n) => invoke(executor, version, { size: sizes[n % sizes.length], n, filler: 'x'.repeat((n * 97) % 9000) })),
    )
    for (const [n, outcome] of outcomes.entries()) {
      const size = sizes[n % sizes.length] ?? 0
      if (n % 7 === 0) expect(failureOf(outcome).message).to.equal(`fails ${n}`)
      else expect(outputOf(outcome)).to.equal('ü'.repeat(size) + n)
      expect(outcome.logs.map(({ message }) => message)).to.deep.equal(n % 3 === 0 ? [`line ${n}${'é'.repeat(size % 50)}`] : [])
    }
  })

  it('gives the result of a call also when another one ends the sandbox in the same turn', async () => {
    const code = `let release; const both = new Promise((resolve) => (release = resolve)); let count = 0
      handOver({ default: async (isLast) => {
        if (++count === 2) release()
        await both
        for (let hop = 0; isLast && hop < 20; hop++) await null
        if (isLast) process.exit(0)
        return 'done'
      } })`
    const version = versionOfCode(code, { instanceConcurrency: 2, concurrency: 2 })
    const [first, last] = await Promise.all([invoke(executor, version, false), invoke(executor, version, true)])
    expect(outputOf(first)).to.equal('done')
    expect(failureOf(last).code).to.equal('CRASHED')
  })

  it('runs several calls in one sandbox when the version allows it, and keeps their logs apart', async () => {
    const version = versionOf('wait.mjs', { instanceConcurrency: 4, concurrency: 4 })
    const outcomes = await Promise.all([1, 2, 3, 4].map((call) => invoke(executor, version, { ms: 30, call })))
    expect(outcomes.map(outputOf)).to.deep.equal([{ most: 4 }, { most: 4 }, { most: 4 }, { most: 4 }])
    expect(outcomes.map(({ logs }) => logs.map(({ message }) => message))).to.deep.equal([['call 1'], ['call 2'], ['call 3'], ['call 4']])
    expect(outcomes.filter(({ coldStart }) => coldStart)).to.have.length(1)
  })

  it('does not let one version see what another left behind', async () => {
    await invoke(executor, versionOfCode('globalThis.secret = 1; handOver({ default: () => 1 })'))
    expect(outputOf(await invoke(executor, versionOfCode('handOver({ default: () => typeof globalThis.secret })')))).to.equal('undefined')
  })

  it('keeps the pipe and the asynchronous context of one invocation out of the next', async () => {
    // Up to Node 22 a storage keeps its value on whatever resource runs; a setter on Object.prototype then sees that resource.
    const code = `
      const { AsyncLocalStorage } = builtin('async_hooks')
      const storage = new AsyncLocalStorage()
      const seen = []
      Object.defineProperty(Object.prototype, 'spy', { set() { seen.push(Object(this).constructor?.name) }, configurable: true })
      handOver({ default: () => {
        const before = storage.getStore() ?? null
        const spy = new AsyncLocalStorage()
        spy.kResourceStore = 'spy'
        spy.enterWith(1)
        storage.enterWith('left over')
        return { before, pipes: seen.filter((name) => name === 'Pipe').length }
      } })`
    const executor = await createExecutor({ spares: 0 })
    const version = versionOfCode(code)
    for (let round = 0; round < 3; round++) expect(outputOf(await invoke(executor, version))).to.deep.equal({ before: null, pipes: 0 })
    await executor.close()
  })
})
