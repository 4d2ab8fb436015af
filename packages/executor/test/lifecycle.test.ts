import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { PlatformError, type SandboxEvent } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { failureOf, fetchFrom, invoke, isAlive, outputOf, versionOf, versionOfCode } from './harness.ts'

/** Resolves with the first event of a kind; `hear` goes to the executor. */
function waitFor(state: SandboxEvent['state']): { hear: (event: SandboxEvent) => void; seen: Promise<SandboxEvent> } {
  let resolve: (event: SandboxEvent) => void = () => undefined
  const seen = new Promise<SandboxEvent>((done) => (resolve = done))
  return { hear: (event) => event.state === state && resolve(event), seen }
}

describe('limits of an executor', () => {
  it('runs no more calls of a function at once than its limit', async () => {
    const executor = await createExecutor({ spares: 0 })
    const version = versionOf('wait.mjs', { concurrency: 2 })
    const calls = [1, 2, 3, 4, 5].map((call) => invoke(executor, version, { ms: 10, call }))
    expect(executor.stats()).to.include({ running: 2, queued: 3 })
    for (const outcome of await Promise.all(calls)) expect(outcome.kind).to.equal('success')
    expect(executor.stats().sandboxes.total).to.be.at.most(2)
    await executor.close()
  })

  it('runs waiting calls in the order they came', async () => {
    const executor = await createExecutor({ spares: 0 })
    const version = versionOf('wait.mjs', { concurrency: 1 })
    const order: number[] = []
    await Promise.all([1, 2, 3, 4].map((call) => invoke(executor, version, { ms: 1, call }).then(() => order.push(call))))
    expect(order).to.deep.equal([1, 2, 3, 4])
    await executor.close()
  })

  it('ends every call that waits when it is destroyed', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1 })
    const calls = [1, 2, 3].map((call) => invoke(executor, versionOf('wait.mjs'), { ms: 10_000, call }))
    await executor.destroy()
    for (const outcome of await Promise.all(calls)) expect(failureOf(outcome).code).to.equal('CLOSED')
  })

  it('refuses what does not fit the queue and what waited too long, with a time to come back', async () => {
    const executor = await createExecutor({ spares: 0 })
    const version = versionOf('wait.mjs', { concurrency: 1, queueLength: 1, queueMs: 50 })
    const running = invoke(executor, version, { ms: 400 })
    const waiting = invoke(executor, version, { ms: 1 })
    const refused = failureOf(await invoke(executor, version, { ms: 1 }))
    expect(refused.code).to.equal('OVERLOADED')
    expect(refused.details).to.deep.include({ scope: 'function' })
    expect(refused.details['retryAfterMs']).to.be.a('number')
    expect(failureOf(await waiting).code).to.equal('OVERLOADED')
    expect((await running).kind).to.equal('success')
    expect(executor.stats()).to.include({ running: 0, queued: 0 })
    await executor.close()
  })

  it('keeps the number of processes bounded and takes the place of the longest idle one', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 2 })
    const versions = [1, 2, 3, 4].map(() => versionOf('hello.mjs'))
    for (const version of versions) {
      outputOf(await invoke(executor, version, { name: 'x' }))
      expect(executor.stats().sandboxes.idle).to.be.at.most(2)
    }
    expect((await invoke(executor, versions[3] ?? versionOf('hello.mjs'), { name: 'x' })).coldStart).to.equal(false)
    expect((await invoke(executor, versions[0] ?? versionOf('hello.mjs'), { name: 'x' })).coldStart).to.equal(true)
    const busy = [1, 2, 3].map(() => invoke(executor, versionOf('wait.mjs'), { ms: 50 }))
    for (const outcome of await Promise.all(busy)) expect(outcome.kind).to.equal('success')
    await executor.close()
  })

  it('starts one sandbox for calls that one can serve', async () => {
    const executor = await createExecutor({ spares: 0 })
    const version = versionOf('wait.mjs', { instanceConcurrency: 5 })
    await Promise.all([1, 2, 3, 4, 5].map(() => invoke(executor, version, { ms: 1 })))
    expect(executor.stats()).to.include({ coldStarts: 1, invocations: 5 })
    await executor.close()
  })

  it('takes spares, preloads and retires', async () => {
    const spare = waitFor('spare')
    const dead = waitFor('dead')
    const executor = await createExecutor({
      onSandbox(event) {
        spare.hear(event)
        dead.hear(event)
      },
    })
    await spare.seen
    const version = versionOf('hello.mjs')
    await executor.preload(version)
    const outcome = await invoke(executor, version, { name: 'x' })
    expect(outcome).to.include({ coldStart: true, bootMs: 0 })
    executor.retire(version)
    expect(await dead.seen).to.include({ function: version.function, reason: 'CLOSED' })
    expect((await invoke(executor, version, { name: 'x' })).kind).to.equal('success')
    await executor.close()
  })

  it('never fails a call because its version was retired, or its sandbox let go, at that moment', async () => {
    const executor = await createExecutor({ spares: 0, idleMs: 1 })
    const version = versionOf('wait.mjs', { concurrency: 3 })
    for (let round = 0; round < 20; round++) {
      const calls = [1, 2, 3, 4, 5].map(() => invoke(executor, version, { ms: 1 }))
      executor.retire(version)
      outputOf(await Promise.race(calls))
      executor.retire(version)
      for (const outcome of await Promise.all([...calls, invoke(executor, version, { ms: 1 })])) outputOf(outcome)
      executor.retire(version)
    }
    await executor.close()
  })

  it('gives the place of an idle sandbox away without failing the calls of its own version', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1 })
    const versions = [versionOf('hello.mjs'), versionOf('hello.mjs')]
    for (let round = 0; round < 5; round++) {
      const calls = versions.flatMap((version) => [invoke(executor, version, { name: 'x' }), invoke(executor, version, { name: 'y' })])
      for (const outcome of await Promise.all(calls)) outputOf(outcome)
    }
    await executor.close()
  })

  it('lets calls wait for a sandbox in a bounded queue, and says when the host is full', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1, maxWaiting: 2 })
    const running = invoke(executor, versionOf('wait.mjs'), { ms: 600 })
    const tooLong = invoke(executor, versionOf('wait.mjs', { queueMs: 50 }), { ms: 1 })
    const refused = failureOf(await invoke(executor, versionOf('wait.mjs'), { ms: 1 }))
    expect(refused.code).to.equal('OVERLOADED')
    expect(refused.details).to.deep.include({ scope: 'host', retryAfterMs: 1000 })
    expect(failureOf(await tooLong).details).to.deep.include({ scope: 'host' })
    const patient = invoke(executor, versionOf('wait.mjs'), { ms: 1 })
    outputOf(await running)
    outputOf(await patient)
    expect(executor.stats()).to.include({ running: 0, queued: 0 })
    await executor.close()
  })

  it('lets go of sandboxes that were idle too long', async () => {
    const dead = waitFor('dead')
    const executor = await createExecutor({ spares: 0, idleMs: 1, onSandbox: dead.hear })
    await invoke(executor, versionOf('hello.mjs'), { name: 'x' })
    expect((await dead.seen).reason).to.equal('CLOSED')
    await executor.close()
  })
})

describe('a call', () => {
  it('is told its deadline when it leaves the queue, once', async () => {
    const executor = await createExecutor({ spares: 0 })
    const deadlines: number[] = []
    const capabilities = { onDispatch: (deadline: number) => void deadlines.push(deadline), call: async () => null, end: async () => undefined }
    const before = Date.now()
    outputOf(await invoke(executor, versionOf('hello.mjs', { timeoutMs: 20_000 }), { name: 'x' }, { capabilities, timeoutMs: 10_000 }))
    expect(deadlines).to.have.length(1)
    expect(deadlines[0]).to.be.within(before + 10_000, Date.now() + 10_000)
    await executor.close()
  })
})

describe('cancelling a call', () => {
  it('works before it starts, in the queue, while it boots, and while it runs', async () => {
    const executor = await createExecutor({ spares: 0 })
    const version = versionOf('wait.mjs', { concurrency: 1 })
    expect(failureOf(await invoke(executor, version, { ms: 1 }, { signal: AbortSignal.abort() })).code).to.equal('CANCELLED')
    const booting = new AbortController()
    const queued = new AbortController()
    const first = invoke(executor, version, { ms: 1 }, { signal: booting.signal })
    const second = invoke(executor, version, { ms: 1 }, { signal: queued.signal })
    queued.abort()
    expect(failureOf(await second).code).to.equal('CANCELLED')
    booting.abort()
    expect(failureOf(await first).code).to.equal('CANCELLED')
    expect(outputOf(await invoke(executor, version, { ms: 1 }))).to.deep.equal({ most: 1 })
    expect(executor.stats()).to.include({ running: 0, queued: 0 })
    await executor.close()
  })

  it('lets a function stop by itself and keeps its sandbox, and kills one that does not', async () => {
    for (const stop of [true, false]) {
      const executor = await createExecutor({ spares: 0 })
      const version = versionOf('wait.mjs', { timeoutMs: 20_000 })
      outputOf(await invoke(executor, version, { ms: 1 }))
      const controller = new AbortController()
      const running = invoke(executor, version, { ms: 15_000, stop }, { signal: controller.signal })
      controller.abort()
      expect(failureOf(await running).code).to.equal('CANCELLED')
      const next = await invoke(executor, { ...version, limits: { ...version.limits, concurrency: 1 } }, { ms: 1 })
      expect(next.coldStart).to.equal(!stop)
      await executor.close()
    }
  })

  it('ends an HTTP exchange when its body is cancelled', async () => {
    const executor = await createExecutor({ spares: 0 })
    const exchange = fetchFrom(executor, versionOf('http-echo.mjs'), '/hang')
    const { body } = await exchange.response
    await body?.cancel()
    expect(failureOf(await exchange.outcome).code).to.equal('CANCELLED')
    await executor.close()
  })
})

describe('the end of an executor', () => {
  it('is graceful with close: what runs finishes, what waits and what comes is refused', async () => {
    const executor = await createExecutor({ spares: 1 })
    const version = versionOf('wait.mjs', { concurrency: 1 })
    const running = invoke(executor, version, { ms: 50 })
    const waiting = invoke(executor, version, { ms: 50 })
    const closed = executor.close()
    expect(failureOf(await waiting).code).to.equal('CLOSED')
    expect(failureOf(await invoke(executor, version)).code).to.equal('CLOSED')
    expect((await running).kind).to.equal('success')
    await closed
    await executor.close()
    expect(executor.stats().sandboxes.total).to.equal(0)
  })

  it('is immediate with destroy', async () => {
    const executor = await createExecutor({ spares: 1 })
    const running = invoke(executor, versionOf('endings.mjs', { timeoutMs: 20_000 }), 'loop')
    await executor.destroy()
    expect(failureOf(await running).code).to.equal('CLOSED')
    expect(executor.stats().sandboxes.total).to.equal(0)
  })

  for (const hardening of ['best-effort', 'basic']) {
    it(`leaves no process when the host is killed (${hardening}), also while a function loops for ever`, async () => {
      const host = spawn(process.execPath, [fileURLToPath(new URL('killed-host.js', import.meta.url)), hardening], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exited = once(host, 'exit')
      const pids: number[] = []
      for await (const line of createInterface({ input: host.stdout })) {
        if (line === 'looping') break
        pids.push(Number(line))
      }
      host.kill('SIGKILL')
      await exited
      const deadline = Date.now() + 1000
      let living = pids
      while (living.length > 0 && Date.now() < deadline) {
        const states = await Promise.all(living.map(isAlive))
        living = living.filter((_pid, index) => states[index])
      }
      expect(pids.length).to.be.greaterThan(0)
      expect(living).to.deep.equal([])
    })
  }
})

describe('createExecutor', () => {
  it('refuses unknown options and wrong values', async () => {
    for (const options of [{ spares: -1 }, { unknown: 1 }, { hardening: 'none' }]) {
      const error = await createExecutor(options as never).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).to.be.instanceOf(PlatformError).and.have.property('code', 'INVALID_OPTION')
    }
  })

  it('reports the level in force', async () => {
    const executor = await createExecutor({ hardening: 'basic', spares: 0 })
    const { sandbox } = executor.stats()
    expect(sandbox.level).to.equal('basic')
    expect(sandbox.missing.map(({ what }) => what)).to.include('network')
    await executor.close()
  })

  it('holds the exact memory limit of a version inside a larger process', async () => {
    const executor = await createExecutor({ spares: 0, hardening: 'basic' })
    const version = versionOfCode(
      'const kept = []; handOver({ default: async (mb) => { for (let i = 0; i < mb; i++) { kept.push(Buffer.alloc(1_048_576, 1)); await new Promise((r) => setTimeout(r, 1)) } return "held" } })',
      { memoryMb: 70 },
    )
    expect(outputOf(await invoke(executor, version, 10))).to.equal('held')
    expect(failureOf(await invoke(executor, version, 120)).code).to.equal('MEMORY_LIMIT')
    await executor.close()
  })
})
