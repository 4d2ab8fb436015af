import { expect } from 'chai'
import type { Capabilities, Executor } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { failureOf, fetchFrom, invoke, outputOf, versionOfCode } from './harness.ts'

const wait = 'const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))'

describe('what one invocation leaves to the next of its version', () => {
  let executor: Executor
  before(async () => (executor = await createExecutor()))
  after(() => executor.close())

  it('is no timer, however it was started', async () => {
    const version = versionOfCode(`${wait}; const timers = builtin('timers'); const late = []
      const note = () => { late.push(1); console.log('late') }
      handOver({ default: async (first) => {
        if (!first) { await wait(60); return late.length }
        for (const { setTimeout, setInterval } of [globalThis, timers]) { setTimeout(note, 20); setInterval(note, 5).unref() }
        for (const { setImmediate } of [globalThis, timers]) setImmediate(note)
        for (let index = 0; index < 3000; index++) setTimeout(note, 30)
        const chain = () => setTimeout(chain, 1)
        chain()
      } })`)
    outputOf(await invoke(executor, version, true))
    const second = await invoke(executor, version, false)
    expect(second).to.include({ coldStart: false, outputJson: '0' })
    expect(second.logs).to.deep.equal([])
  })

  it('leaves timers alone that the module started, and those that are still wanted', async () => {
    const version = versionOfCode(`${wait}; let ticks = 0; setInterval(() => ticks++, 1).unref()
      handOver({ default: async () => { const before = ticks; await wait(20); await builtin('util').promisify(setTimeout)(5); return ticks > before } })`)
    for (let call = 0; call < 2; call++) expect(outputOf(await invoke(executor, version))).to.equal(true)
  })

  it('is no right: what was its context is refused', async () => {
    const asked: string[] = []
    const capabilities = (id: string): Capabilities => ({
      call: async (method) => {
        asked.push(`${id} ${method}`)
        return { fields: [], rows: [], rowCount: 0 }
      },
      end: async () => undefined,
    })
    const version = versionOfCode(`let kept
      handOver({ default: async (input, ctx) => {
        if (kept === undefined) { kept = ctx; return 'kept' }
        const tried = [() => kept.db.query('select 1'), () => kept.db.transaction(async () => 1), () => kept.functions.invoke('x')]
        return Promise.all(tried.map((one) => one().then(() => 'granted', (error) => error.message.includes('is over'))))
      } })`)
    outputOf(await invoke(executor, version, 0, { capabilities: capabilities('first') }))
    expect(outputOf(await invoke(executor, version, 0, { capabilities: capabilities('second') }))).to.deep.equal([true, true, true])
    expect(asked).to.deep.equal([])
  })

  it('is no answer that the host gives late', async () => {
    let answer: (value: unknown) => void = () => undefined
    const slow: Capabilities = { call: () => new Promise((resolve) => (answer = resolve)), end: async () => undefined }
    const version = versionOfCode(`${wait}; const seen = []
      handOver({ default: async (first, ctx) => {
        if (first) { ctx.db.query('select 1').then((value) => seen.push(['answer', value]), () => seen.push('refused')); await wait(10); return }
        await wait(30)
        return seen
      } })`)
    outputOf(await invoke(executor, version, true, { capabilities: slow }))
    const second = invoke(executor, version, false)
    answer({ fields: [], rows: [['secret']], rowCount: 1 })
    expect(outputOf(await second)).to.deep.equal(['refused'])
  })

  it('is no state of the console', async () => {
    const version = versionOfCode(
      `handOver({ default: () => { console.count(); console.group('group'); console.time('x'); console.log('inside') } })`,
    )
    const first = await invoke(executor, version)
    const second = await invoke(executor, version)
    const lines = ['default: 1', 'group', '  inside']
    for (const { logs } of [first, second]) expect(logs.map(({ message }) => message)).to.deep.equal(lines)
  })

  it('is no value of an asynchronous storage', async () => {
    const version = versionOfCode(`const storage = new (builtin('async_hooks').AsyncLocalStorage)()
      handOver({ default: async () => { const found = storage.getStore() ?? null; storage.enterWith('mine'); await null; return found } })`)
    for (let call = 0; call < 3; call++) expect(outputOf(await invoke(executor, version))).to.equal(null)
  })

  it('is no part of a body that nobody read', async () => {
    const version = versionOfCode(`handOver({ default: { async fetch(request) {
      if (request.url.endsWith('/unread')) return new Response('not read')
      return new Response(await request.text())
    } } })`)
    const bodyOf = (text: string) => new Blob([text]).stream()
    const unread = fetchFrom(executor, version, '/unread', { body: bodyOf('secret'.repeat(50_000)) })
    expect(await new Response((await unread.response).body).text()).to.equal('not read')
    await unread.outcome
    const read = fetchFrom(executor, version, '/read', { body: bodyOf('mine') })
    expect(await new Response((await read.response).body).text()).to.equal('mine')
    await read.outcome
  })
})

describe('what a version leaves to another version or tenant', () => {
  it('is nothing: not in globals, prototypes, the process, stacks or memory', async () => {
    const executor = await createExecutor({ spares: 1 })
    const marker = 'a7c1f0-secret'
    const first = versionOfCode(`globalThis.left = '${marker}'; Object.prototype.left = Array.prototype.left = '${marker}'; process.left = '${marker}'
      Error.prepareStackTrace = () => '${marker}'; JSON.stringify = () => '"${marker}"'; Promise.prototype.then = undefined
      Buffer.from('${marker}'.repeat(500))
      handOver({ default: () => { throw new TypeError('mine') } })`)
    const failure = failureOf(await invoke(executor, first))
    expect(failure.message).to.equal('mine')
    const second = versionOfCode(`handOver({ default: () => {
      const memory = Array.from({ length: 200 }, () => Buffer.allocUnsafe(4096).toString('latin1')).join('')
      return [globalThis.left, ({}).left, [].left, process.left, new Error('x').stack.includes('${marker.slice(0, 6)}' + '-secret'), memory.includes('${marker.slice(0, 6)}' + '-secret')].map((one) => one ?? null)
    } })`)
    for (const version of [second, { ...second, tenant: 'other', function: 'same' }])
      expect(outputOf(await invoke(executor, version))).to.deep.equal([null, null, null, null, false, false])
    await executor.close()
  })

  it('is nothing, not even with the very same bundle: each has processes of its own, however few there may be', async () => {
    for (const maxSandboxes of [1, 4]) {
      const served = new Map<number, Set<string>>()
      const executor = await createExecutor({
        spares: 1,
        maxSandboxes,
        onSandbox: ({ pid, state, function: name = '', version = '' }) => {
          if (state !== 'loading') return
          const owners = served.get(pid) ?? new Set()
          served.set(pid, owners.add(`${name} ${version}`))
        },
      })
      const version = versionOfCode(`let owner; handOver({ default: (name) => { const found = owner ?? null; owner = name; return found } })`)
      const bundle = await version.loadBundle()
      const same = { ...version, loadBundle: async () => bundle }
      const owners = [same, { ...same, tenant: 'other' }, { ...same, version: 'v_0000000000000002' }, { ...same, function: 'twin' }]
      for (let round = 0; round < 2; round++) {
        const found = await Promise.all(owners.map(async (one, owner) => outputOf(await invoke(executor, one, owner))))
        for (const [owner, before] of found.entries()) expect(before, `what owner ${owner} finds`).to.be.oneOf([null, owner])
      }
      for (const seen of served.values()) expect([...seen]).to.have.lengthOf(1)
      await executor.close()
    }
  })
})
