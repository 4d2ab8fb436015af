import { expect } from 'chai'
import { PlatformError } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { failureOf, invoke, outputOf, versionOfCode } from './harness.ts'

describe('the end of a process', () => {
  it('is put down to memory when native code dies of it without a word', async function () {
    const executor = await createExecutor()
    if (executor.stats().sandbox.level !== 'launcher') {
      await executor.close()
      return this.skip()
    }
    const zlib = `const zlib = builtin('zlib'); const kept = []`
    const deflaters = `${zlib}; handOver({ default: () => { for (;;) kept.push(zlib.createDeflate({ memLevel: 9 })) } })`
    const brotlis = `${zlib}; handOver({ default: () => { for (;;) kept.push(zlib.brotliCompressSync(Buffer.alloc(3e7))) } })`
    for (const code of [deflaters, brotlis]) {
      const { code: verdict, details } = failureOf(await invoke(executor, versionOfCode(code, { timeoutMs: 30_000, memoryMb: 64 })))
      expect(verdict, JSON.stringify(details)).to.equal('MEMORY_LIMIT')
    }
    await executor.close()
  }).timeout(60_000)

  it('is not put down to memory when it had plenty, whatever the signal', async function () {
    if (process.platform === 'win32') return this.skip()
    let sandbox = 0
    const executor = await createExecutor({ spares: 0, onSandbox: ({ pid }) => (sandbox = pid) })
    for (const signal of ['SIGSEGV', 'SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGBUS'] as const) {
      const capabilities = {
        call: async () => {
          process.kill(sandbox, signal)
          return new Promise<never>(() => undefined)
        },
        end: async () => undefined,
      }
      const version = versionOfCode(`handOver({ default: (input, ctx) => ctx.db.query('die') })`)
      const { code, details } = failureOf(await invoke(executor, version, 0, { capabilities }))
      expect({ code, signal: details['signal'] }).to.deep.equal({ code: 'CRASHED', signal })
    }
    await executor.close()
  })
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
