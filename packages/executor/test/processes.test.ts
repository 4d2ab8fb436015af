import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { PlatformError } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { failureOf, invoke, isAlive, outputOf, versionOfCode } from './harness.ts'

describe('the end of a process', () => {
  it('is put down to memory when native code dies of it without a word', async function () {
    const executor = await createExecutor()
    if (executor.stats().sandbox.level !== 'launcher') {
      await executor.close()
      return this.skip()
    }
    const deflaters = `const zlib = builtin('zlib'); handOver({ default: () => { const kept = []; for (;;) kept.push(zlib.createDeflate({ memLevel: 9 })) } })`
    expect(failureOf(await invoke(executor, versionOfCode(deflaters, { timeoutMs: 30_000 }))).code).to.equal('MEMORY_LIMIT')
    await executor.close()
  }).timeout(60_000)

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
