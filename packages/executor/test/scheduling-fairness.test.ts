import { expect } from 'chai'
import type { ExecutableVersion, Executor, Limits, Outcome } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { failureOf, invoke, outputOf, versionOf } from './harness.ts'

/** A version of a fixture that belongs to a tenant. */
function versionFor(tenant: string, limits: Partial<Limits> = {}, name?: string): ExecutableVersion {
  return { ...versionOf('wait.mjs', limits, name), tenant }
}

/** Calls that count their ends. */
class Crowd {
  readonly outcomes: Promise<Outcome>[] = []
  ended = 0
  readonly #executor: Executor

  constructor(executor: Executor) {
    this.#executor = executor
  }

  call(version: ExecutableVersion, input: { ms: number }): Promise<Outcome> {
    const outcome = invoke(this.#executor, version, input)
    this.outcomes.push(outcome)
    void outcome.then(() => this.ended++)
    return outcome
  }
}

describe('fairness between tenants', () => {
  it('lets a single call wait for no more than one running call of a tenant with 10 000 in the queue', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1, maxWaiting: 20_000 })
    const crowd = new Crowd(executor)
    const version = versionFor('crowd', { concurrency: 1, queueLength: 10_000, queueMs: 60_000 })
    const first = crowd.call(version, { ms: 1 })
    for (let call = 0; call < 10_000; call++) void crowd.call(version, { ms: 1 })
    outputOf(await first)
    const before = crowd.ended
    outputOf(await invoke(executor, versionFor('single'), { ms: 1 }))
    expect(crowd.ended - before).to.be.at.most(1)
    await executor.destroy()
    for (const outcome of await Promise.all(crowd.outcomes)) expect(outcome.kind === 'success' || outcome.error.code === 'CLOSED').to.equal(true)
  })

  it('holds when many functions of the tenant keep all sandboxes of the host busy', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 2 })
    const crowd = new Crowd(executor)
    const versions = Array.from({ length: 6 }, () => versionFor('crowd', { queueMs: 60_000 }))
    for (let round = 0; round < 8; round++) for (const version of versions) void crowd.call(version, { ms: 20 })
    await Promise.race(crowd.outcomes)
    const before = crowd.ended
    outputOf(await invoke(executor, versionFor('single'), { ms: 1 }))
    // One call in each of the two sandboxes may end while the place of the first is handed over; after that the second goes on.
    expect(executor.stats().running + executor.stats().queued).to.be.greaterThan(20)
    expect(crowd.ended - before).to.be.lessThan(20)
    await executor.destroy()
    await Promise.all(crowd.outcomes)
  })

  it('holds for a sandbox that runs several calls at once and is never empty by itself', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1 })
    const version = versionFor('crowd', { instanceConcurrency: 4, concurrency: 4, queueMs: 60_000 })
    const over = new AbortController()
    const loops = [1, 2, 3, 4].map(async (lane) => {
      while (!over.signal.aborted) outputOf(await invoke(executor, version, { ms: 5 * lane }))
    })
    outputOf(await invoke(executor, version, { ms: 1 }))
    outputOf(await invoke(executor, versionFor('single'), { ms: 1 }))
    over.abort()
    await Promise.all(loops)
    expect(executor.stats()).to.include({ running: 0, queued: 0 })
    await executor.close()
  })

  it('gives the idle sandboxes of a tenant away, those of the one that has most first', async () => {
    const dead: (string | undefined)[] = []
    const executor = await createExecutor({ spares: 0, maxSandboxes: 3, onSandbox: (event) => event.state === 'dead' && dead.push(event.function) })
    const [modest, one, two] = [versionFor('modest'), versionFor('crowd'), versionFor('crowd')]
    for (const version of [modest, one, two]) outputOf(await invoke(executor, version, { ms: 1 }))
    outputOf(await invoke(executor, versionFor('single'), { ms: 1 }))
    expect(executor.stats().sandboxes.idle).to.equal(3)
    expect((await invoke(executor, modest, { ms: 1 })).coldStart).to.equal(false)
    await executor.close()
    expect(dead[0]).to.equal(one.function)
  })

  it('leaves equal shares alone: nobody is started again and again', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 2 })
    const versions = ['a', 'b'].map((tenant) => versionFor(tenant, { queueMs: 60_000 }))
    const calls = Array.from({ length: 10 }, () => versions.map((version) => invoke(executor, version, { ms: 2 })))
    for (const outcome of await Promise.all(calls.flat())) outputOf(outcome)
    // The first tenant may have started in both places before the second came.
    expect(executor.stats().coldStarts).to.be.at.most(3)
    await executor.close()
  })

  it('lets nobody starve when there are more tenants than sandboxes', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 2 })
    const versions = ['a', 'b', 'c', 'd', 'e'].map((tenant) => versionFor(tenant, { concurrency: 2, queueMs: 60_000 }))
    const order: string[] = []
    const calls = versions.flatMap((version) =>
      [1, 2, 3].map(async () => {
        outputOf(await invoke(executor, version, { ms: 2 }))
        order.push(version.tenant)
      }),
    )
    await Promise.all(calls)
    expect(new Set(order.slice(0, 8)).size).to.equal(5)
    await executor.close()
  })

  it('gives the functions of a tenant, and the versions of a function, their turns', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1 })
    const busy = versionFor('one', { concurrency: 5, queueMs: 60_000 })
    const crowd = new Crowd(executor)
    for (let call = 0; call < 40; call++) void crowd.call(busy, { ms: 5 })
    await Promise.race(crowd.outcomes)
    for (const other of [versionFor('one'), { ...busy, version: 'v_0000000000000002' }]) {
      const before = crowd.ended
      const outcome = await invoke(executor, other, { ms: 1 })
      outputOf(outcome)
      // Another version of the same function stands in the same line first.
      if (other.function !== busy.function) expect(crowd.ended - before).to.be.at.most(1)
    }
    await executor.destroy()
    await Promise.all(crowd.outcomes)
  })

  it('takes turns between functions at the limit of their tenant', async () => {
    const executor = await createExecutor({ spares: 0, tenantConcurrency: 1 })
    const crowd = new Crowd(executor)
    const busy = versionFor('one', { queueMs: 60_000 })
    for (let call = 0; call < 30; call++) void crowd.call(busy, { ms: 1 })
    expect(executor.stats()).to.include({ running: 1, queued: 29 })
    await Promise.race(crowd.outcomes)
    const before = crowd.ended
    outputOf(await invoke(executor, versionFor('one', { queueMs: 60_000 }), { ms: 1 }))
    // The one that ran, and the one whose turn had come already.
    expect(crowd.ended - before).to.be.at.most(2)
    for (const outcome of await Promise.all(crowd.outcomes)) outputOf(outcome)
    expect(executor.stats()).to.include({ running: 0, queued: 0 })
    await executor.close()
  })
})

describe('a full waiting room', () => {
  it('refuses the newest call of who has most, and takes the first of another tenant', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1, maxWaiting: 10 })
    const busy = versionFor('crowd', { concurrency: 1, queueMs: 60_000 })
    const other = versionFor('crowd', { concurrency: 1, queueMs: 60_000 })
    const calls = Array.from({ length: 9 }, () => invoke(executor, busy, { ms: 1 }))
    const same = invoke(executor, other, { ms: 1 })
    const full = failureOf(await invoke(executor, busy, { ms: 1 }))
    expect(full).to.include({ code: 'OVERLOADED' })
    expect(full.details).to.deep.include({ scope: 'host', waiting: 10, maxWaiting: 10 })
    const single = invoke(executor, versionFor('single', { queueMs: 60_000 }), { ms: 1 })
    expect(failureOf(await (calls.at(-1) ?? same)).details).to.include({ scope: 'host' })
    outputOf(await single)
    for (const outcome of await Promise.all([...calls.slice(0, -1), same])) outputOf(outcome)
    expect(executor.stats()).to.include({ running: 0, queued: 0 })
    await executor.close()
  })

  it('also makes calls go that wait for a sandbox', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1, maxWaiting: 4 })
    const crowd = Array.from({ length: 4 }, () => invoke(executor, versionFor('crowd', { queueMs: 60_000 }), { ms: 1 }))
    const two = ['b', 'c'].map((tenant) => invoke(executor, versionFor(tenant, { queueMs: 60_000 }), { ms: 1 }))
    const outcomes = await Promise.all([...crowd, ...two])
    expect(outcomes.map(({ kind }) => kind)).to.deep.equal(['success', 'success', 'failure', 'failure', 'success', 'success'])
    expect(executor.stats()).to.include({ running: 0, queued: 0 })
    await executor.close()
  })

  it('says which limit refused: function, tenant or host', async () => {
    const executor = await createExecutor({ spares: 0, tenantConcurrency: 1 })
    const version = versionFor('one', { concurrency: 1, queueLength: 0 })
    const running = invoke(executor, version, { ms: 100 })
    const byFunction = failureOf(await invoke(executor, version, { ms: 1 }))
    const byTenant = failureOf(await invoke(executor, versionFor('one', { queueMs: 20 }), { ms: 1 }))
    for (const [failure, scope] of [
      [byFunction, 'function'],
      [byTenant, 'tenant'],
    ] as const) {
      expect(failure.code).to.equal('OVERLOADED')
      expect(failure.details).to.include({ scope, concurrency: 1, running: 1 })
      expect(failure.details['retryAfterMs']).to.be.greaterThan(0)
    }
    outputOf(await running)
    await executor.close()
  })
})
