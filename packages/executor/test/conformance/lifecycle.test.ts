import { expect } from 'chai'
import type { SandboxEvent } from '@cordon/contracts'
import { conformance } from './isolations.ts'
import { failureOf, fetchFrom, invoke, outputOf, versionOf } from '../harness.ts'

/** Resolves with the first event of a kind; `hear` goes to the executor. */
function waitFor(state: SandboxEvent['state']): { hear: (event: SandboxEvent) => void; seen: Promise<SandboxEvent> } {
  let resolve: (event: SandboxEvent) => void = () => undefined
  const seen = new Promise<SandboxEvent>((done) => (resolve = done))
  return { hear: (event) => event.state === state && resolve(event), seen }
}

conformance('limits of an executor', (createExecutor) => {
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

conformance('a call', (createExecutor) => {
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

conformance('cancelling a call', (createExecutor) => {
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

conformance('the end of an executor', (createExecutor) => {
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
})
