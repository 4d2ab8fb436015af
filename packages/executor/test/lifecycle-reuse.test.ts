import { expect } from 'chai'
import type { SandboxEvent } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { failureOf, invoke, isAlive, outputOf, versionOfCode } from './harness.ts'

/** Everything that stays in a sandbox, as the next invocation finds it. */
const code = `
  let calls = 0
  handOver({ default: (act) => {
    const found = [++calls, globalThis.left, ({}).left, [].left, process.left]
    globalThis.left = Object.prototype.left = 1
    process.left = 1
    if (act === 'throw') throw new Error(String(calls))
    if (act === 'crash') process.exit(1)
    return found.map((value) => value ?? 0)
  } })`

describe('a version with reuse: false', () => {
  it('finds nothing of an earlier invocation, whichever way that ended', async () => {
    const executor = await createExecutor({ spares: 1 })
    const version = versionOfCode(code, { reuse: false, instanceConcurrency: 5 })
    for (const act of ['', 'throw', '', 'crash', '']) {
      const outcome = await invoke(executor, version, act)
      expect(outcome.coldStart).to.equal(true)
      if (act === '') expect(outputOf(outcome)).to.deep.equal([1, 0, 0, 0, 0])
      else expect(failureOf(outcome).code).to.equal(act === 'throw' ? 'FUNCTION_ERROR' : 'CRASHED')
    }
    const burst = await Promise.all(Array.from({ length: 6 }, () => invoke(executor, version)))
    for (const outcome of burst) expect(outputOf(outcome)).to.deep.equal([1, 0, 0, 0, 0])
    await executor.close()
  })

  it('has its next sandbox loaded before the next call, and loses the used one', async () => {
    const seen: SandboxEvent[] = []
    let wake: () => void = () => undefined
    const executor = await createExecutor({ spares: 1, onSandbox: (event) => (seen.push(event), wake()) })
    const version = versionOfCode(code, { reuse: false })
    outputOf(await invoke(executor, version))
    const has = (state: string) => seen.some((one) => one.state === state && one.function === version.function)
    const loaded = () => seen.filter((one) => one.state === 'idle').length
    while (!has('dead') || loaded() < 2) await new Promise<void>((resolve) => (wake = resolve))
    const dead = seen.find(({ state }) => state === 'dead')
    expect(dead?.reason).to.equal('CLOSED')
    expect(await isAlive(dead?.pid ?? 0)).to.equal(false)
    const booted = seen.filter(({ state }) => state === 'loading').length
    expect(outputOf(await invoke(executor, version))).to.deep.equal([1, 0, 0, 0, 0])
    expect(seen.filter(({ state }) => state === 'loading').length, 'loads for the second call').to.be.at.least(booted)
    await executor.close()
  })

  it('keeps nothing where there is no room to prepare, nor after it was retired', async () => {
    const executor = await createExecutor({ spares: 0, maxSandboxes: 1 })
    const version = versionOfCode(code, { reuse: false })
    for (let call = 0; call < 3; call++) expect(outputOf(await invoke(executor, version))).to.deep.equal([1, 0, 0, 0, 0])
    const last = invoke(executor, version)
    executor.retire(version)
    outputOf(await last)
    await executor.close()
    expect(executor.stats().sandboxes.total).to.equal(0)
  })
})
