import { expect } from 'chai'
import type { ExecutableVersion, PlatformError } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { BackOff } from '../dist/fleet/back-off.js'
import { createExecutorFrom } from '../dist/executor.js'
import { Fleet } from '../dist/fleet/fleet.js'
import { selectHardening } from '../dist/hardening/select-hardening.js'
import { Limiter } from '../dist/limiter/limiter.js'
import { resolveExecutorOptions } from '../dist/options.js'
import { failureOf, invoke, outputOf, versionOf, versionOfCode } from './harness.ts'
import { ScriptedSandbox } from './scripted-sandbox.ts'

/** The same version, with its loads counted. */
function counted(version: ExecutableVersion): { version: ExecutableVersion; loads: () => number } {
  let loads = 0
  return {
    version: {
      ...version,
      loadBundle() {
        loads++
        return version.loadBundle()
      },
    },
    loads: () => loads,
  }
}

describe('cold starts', () => {
  it('are one for calls that one sandbox can serve, and at most one per call otherwise', async () => {
    for (const [instanceConcurrency, most] of [
      [8, 1],
      [4, 2],
      [1, 8],
    ] as const) {
      const booted: number[] = []
      const executor = await createExecutor({ spares: 0, onSandbox: ({ state, pid }) => state === 'booting' && booted.push(pid) })
      const { version, loads } = counted(versionOf('wait.mjs', { instanceConcurrency }))
      const calls = Array.from({ length: 8 }, () => invoke(executor, version, { ms: 1 }))
      expect(loads()).to.equal(1)
      for (const outcome of await Promise.all(calls)) outputOf(outcome)
      expect(booted.length).to.be.at.most(most)
      expect(loads()).to.be.at.most(most)
      await executor.close()
    }
  })

  it('leave their place to calls when they were only a preload', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1 })
    const stuck = versionOfCode('await new Promise(() => undefined)', { loadTimeoutMs: 60_000 })
    const preload = executor.preload(stuck)
    outputOf(await invoke(executor, versionOf('wait.mjs'), { ms: 1 }))
    await preload
    await executor.close()
  })

  it('leave nothing behind of a version that is retired before it got a sandbox', () => {
    const options = { ...resolveExecutorOptions({ spares: 0 }), spawn: () => new ScriptedSandbox().process }
    const limiter = new Limiter(options)
    const fleet = new Fleet(options, limiter, { left: () => undefined, unstarted: () => undefined })
    const version = versionOf('hello.mjs')
    fleet.pools.of(version)
    fleet.retire(version)
    expect([...fleet.pools]).to.deep.equal([])
    return fleet.destroy()
  })

  it('ahead of calls keep to the number of sandboxes', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 2 })
    for (let deployed = 0; deployed < 5; deployed++) {
      await executor.preload(versionOf('hello.mjs'))
      expect(executor.stats().sandboxes.idle).to.be.at.most(2)
    }
    await executor.close()
  })
})

describe('versions that fail when they start', () => {
  const loops: readonly [name: string, code: string, version: () => ExecutableVersion, input?: unknown][] = [
    ['while they load', 'LOAD_FAILED', () => versionOf('load-throws.mjs')],
    ['because they exit while they load', 'CRASHED', () => versionOf('load-exits.mjs')],
    ['in their first call', 'CRASHED', () => versionOf('endings.mjs'), 'exit1'],
  ]
  for (const [name, code, make, input] of loops) {
    it(`are spaced out and say so: ${name}`, async () => {
      const warnings: { message: string; error: PlatformError }[] = []
      const executor = await createExecutor({ spares: 0, onWarning: (message, error) => warnings.push({ message, error }) })
      const version = make()
      for (let call = 0; call < 3; call++) {
        const failure = failureOf(await invoke(executor, version, input))
        expect(failure.code).to.equal(code)
        expect(failure.details).not.to.have.property('retryAfterMs')
      }
      const started = executor.stats().killed
      for (let call = 0; call < 20; call++) {
        const refusal = failureOf(await invoke(executor, version, input))
        expect(refusal.code).to.equal(code)
        if (executor.stats().killed > started) break
        expect(refusal.message).to.match(
          /^Cannot run the function ".*" now: the last 3 starts failed, most recently with .*; the next one is tried in \d+ ms$/,
        )
        expect(refusal.details).to.include({ failures: 3 })
        expect(refusal.details['retryAfterMs']).to.be.within(1, 100)
      }
      expect(warnings).to.have.length(1)
      expect(warnings[0]?.message).to.contain(version.function)
      expect(warnings[0]?.error.code).to.equal(code)
      await executor.close()
    })
  }

  it('are forgiven by the first call that ends', async () => {
    const executor = await createExecutor({ spares: 0 })
    const version = versionOf('endings.mjs')
    for (let round = 0; round < 2; round++) {
      for (let call = 0; call < 2; call++) expect(failureOf(await invoke(executor, version, 'exit1')).details).not.to.have.property('failures')
      outputOf(await invoke(executor, version, 'fine'))
    }
    await executor.close()
  })

  it('do not count deaths of sandboxes that had answered, however many', async () => {
    const executor = await createExecutor({ spares: 0 })
    const version = versionOf('endings.mjs')
    for (let round = 0; round < 5; round++) {
      outputOf(await invoke(executor, version, 'fine'))
      expect(failureOf(await invoke(executor, version, 'exit1')).details).not.to.have.property('failures')
    }
    await executor.close()
  })

  it('are no hurdle for others', async () => {
    const executor = await createExecutor({ spares: 1, maxSandboxes: 2 })
    const broken = versionOf('load-exits.mjs')
    const over = new AbortController()
    const loop = (async () => {
      while (!over.signal.aborted) await invoke(executor, broken)
    })()
    for (let call = 0; call < 3; call++) outputOf(await invoke(executor, versionOf('hello.mjs'), { name: 'x' }))
    over.abort()
    await loop
    await executor.close()
  })
})

describe('a machine on which no sandbox starts', () => {
  it('is not kept busy trying, and says what is wrong', async () => {
    const warnings: string[] = []
    const options = resolveExecutorOptions({ spares: 1, onWarning: (message) => warnings.push(message) })
    const executor = createExecutorFrom(options, await selectHardening('basic'), 'process.exit(7)')
    const failures = []
    for (let call = 0; call < 6; call++) failures.push(failureOf(await invoke(executor, versionOf('hello.mjs', { queueMs: 50 }), { name: 'x' })))
    for (const { code } of failures) expect(code).to.equal('SANDBOX_FAILED')
    const refused = failures.find(({ details }) => 'retryAfterMs' in details)
    expect(refused?.message).to.match(/^Cannot start a sandbox: the last \d starts failed, .*exit code 7.*; the next one is tried in \d+ ms$/)
    expect(warnings).to.deep.equal(['Sandboxes cannot be started: further tries are spaced out'])
    await executor.close()
  })
})

describe('a back-off', () => {
  it('counts starts side by side once, doubles its pause, and is clean after a success', () => {
    const backOff = new BackOff(30_000)
    const error = new Error('boom') as PlatformError
    const before = performance.now()
    expect(backOff.fail(error, before)).to.equal(false)
    for (let same = 0; same < 5; same++) expect(backOff.fail(error, before)).to.equal(false)
    expect(backOff.pauseMs).to.equal(0)
    expect(backOff.fail(error, performance.now())).to.equal(false)
    expect(backOff.fail(error, performance.now())).to.equal(true)
    expect(backOff.pauseMs).to.be.within(1, 100)
    expect(backOff.fail(error, performance.now())).to.equal(false)
    expect(backOff.pauseMs).to.be.within(101, 200)
    for (let more = 0; more < 20; more++) backOff.fail(error, performance.now())
    expect(backOff.pauseMs).to.be.within(29_000, 30_000)
    backOff.succeed()
    expect([backOff.pauseMs, backOff.isActive, backOff.isForgotten]).to.deep.equal([0, false, true])
  })
})
