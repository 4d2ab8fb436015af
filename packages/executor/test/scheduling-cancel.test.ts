import { getEventListeners } from 'node:events'
import { expect } from 'chai'
import type { Executor, SandboxEvent } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { failureOf, invoke, outputOf, versionOf, versionOfCode } from './harness.ts'

/** Resolves when a sandbox enters a state. */
function stateWatch(): { hear: (event: SandboxEvent) => void; next(state: SandboxEvent['state']): Promise<SandboxEvent> } {
  const waiting: { state: string; resolve: (event: SandboxEvent) => void }[] = []
  return {
    hear(event) {
      for (const one of waiting.splice(0)) {
        if (one.state === event.state) one.resolve(event)
        else waiting.push(one)
      }
    },
    next: (state) => new Promise((resolve) => waiting.push({ state, resolve })),
  }
}

function expectQuiet(executor: Executor): void {
  expect(executor.stats()).to.include({ running: 0, queued: 0 })
}

describe('a signal', () => {
  it('frees everything while the call stands in line, waits for a sandbox, boots, loads and runs', async () => {
    const watch = stateWatch()
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1, onSandbox: watch.hear })
    const abortAt = async (reached: Promise<unknown> | undefined, call: (signal: AbortSignal) => ReturnType<typeof invoke>) => {
      const controller = new AbortController()
      const outcome = call(controller.signal)
      expect(getEventListeners(controller.signal, 'abort')).to.have.length(1)
      await reached
      controller.abort()
      const ended = await outcome
      expect(failureOf(ended).code).to.equal('CANCELLED')
      expect(getEventListeners(controller.signal, 'abort')).to.deep.equal([])
      return ended
    }
    const version = versionOf('wait.mjs', { concurrency: 1 })

    const booting = await abortAt(undefined, (signal) => invoke(executor, version, { ms: 1 }, { signal }))
    expect(booting).to.include({ coldStart: true, loadMs: 0, durationMs: 0 })
    expectQuiet(executor)

    const slow = versionOfCode('await new Promise((resolve) => setTimeout(resolve, 100)); handOver({ default: () => 1 })')
    const loading = await abortAt(watch.next('loading'), (signal) => invoke(executor, slow, undefined, { signal }))
    expect(loading).to.include({ coldStart: true, durationMs: 0 })
    expect(loading.bootMs).to.be.greaterThan(0)
    expectQuiet(executor)

    const running = await abortAt(watch.next('idle'), (signal) => invoke(executor, version, { ms: 5000, stop: true }, { signal }))
    expect(running).to.include({ coldStart: true })
    expect(running.durationMs).to.be.greaterThan(0)

    const first = invoke(executor, version, { ms: 200 })
    await abortAt(undefined, (signal) => invoke(executor, version, { ms: 1 }, { signal }))
    await abortAt(undefined, (signal) => invoke(executor, versionOf('wait.mjs'), { ms: 1 }, { signal }))
    outputOf(await first)
    expectQuiet(executor)
    expect(executor.stats().sandboxes).to.include({ busy: 0, booting: 0 })
    await executor.close()
  })

  it('frees 10 000 calls in line at once', async () => {
    const executor = await createExecutor({ spares: 0, maxWaiting: 20_000 })
    const version = versionOf('wait.mjs', { concurrency: 1, queueLength: 20_000 })
    const running = invoke(executor, version, { ms: 1 })
    const controller = new AbortController()
    const calls = Array.from({ length: 10_000 }, () => invoke(executor, version, { ms: 1 }, { signal: controller.signal }))
    const next = invoke(executor, version, { ms: 1 })
    controller.abort()
    for (const outcome of await Promise.all(calls)) expect(failureOf(outcome).code).to.equal('CANCELLED')
    expect(getEventListeners(controller.signal, 'abort')).to.deep.equal([])
    outputOf(await running)
    outputOf(await next)
    expectQuiet(executor)
    await executor.close()
  })

  it('gives the place of a start that nobody waits for to who needs it', async () => {
    const watch = stateWatch()
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1, onSandbox: watch.hear })
    const stuck = versionOfCode('await new Promise(() => undefined)', { loadTimeoutMs: 60_000 })
    const controller = new AbortController()
    const loading = watch.next('loading')
    const given = invoke(executor, stuck, undefined, { signal: controller.signal })
    await loading
    const other = invoke(executor, versionOf('wait.mjs', { queueMs: 60_000 }), { ms: 1 })
    const late = invoke(executor, versionOf('wait.mjs', { queueMs: 60_000 }), { ms: 1 })
    controller.abort()
    expect(failureOf(await given).code).to.equal('CANCELLED')
    outputOf(await other)
    outputOf(await late)
    await executor.close()
  })
})
