import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { limitTable, PlatformError, resolveOptions } from '@cordon/contracts'
import { createThreadExecutor } from '@cordon/executor'
import { threadFlags } from '../dist/thread/thread-flags.js'
import { failureOf, invoke, outputOf, versionOf, versionOfCode } from './harness.ts'

describe('createThreadExecutor', () => {
  it('refuses unknown options, those of processes among them', async () => {
    for (const options of [{ spares: -1 }, { unknown: 1 }, { hardening: 'required' }]) {
      const error = await createThreadExecutor(options as never).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).to.be.instanceOf(PlatformError).and.have.property('code', 'INVALID_OPTION')
    }
  })

  it('claims to enforce nothing', async () => {
    const executor = await createThreadExecutor({ spares: 0 })
    const { sandbox } = executor.stats()
    expect(sandbox).to.deep.include({ level: 'thread', enforced: [] })
    expect(sandbox.missing.map(({ what }) => what)).to.include.members(['the wall', 'memory'])
    await executor.close()
  })

  it('lets go of threads that are on their way', async () => {
    const executor = await createThreadExecutor({ spares: 3 })
    expect(executor.stats().sandboxes).to.include({ total: 3, booting: 3 })
    await executor.destroy()
    expect(executor.stats().sandboxes.total).to.equal(0)
  })

  it('says so when the host may start no threads', () => {
    const script = `import { createThreadExecutor } from '@cordon/executor'
      const executor = await createThreadExecutor({ spares: 1 })
      const outcome = await executor.invoke(
        { tenant: 't', function: 'f', version: 'v', limits: ${JSON.stringify(resolveOptions(limitTable, {}))}, env: {}, loadBundle: async () => ({ code: '', sourceMap: '', hash: '' }) },
        { invocationId: 'i', user: null, request: {}, inputJson: undefined, capabilities: { call: async () => null, end: async () => undefined } })
      console.log(outcome.error.code)
      await executor.close()`
    const permission = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission'
    const host = [permission, '--allow-fs-read=*', '--no-warnings', '--input-type=module', '-e', script]
    const { stdout, status } = spawnSync(process.execPath, host, {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      timeout: 20_000,
    })
    expect({ stdout, status }).to.deep.equal({ stdout: 'SANDBOX_FAILED\n', status: 0 })
  })

  it('ends a thread whose heap is full with MEMORY_LIMIT, and goes on, as long as V8 lets the host live', function () {
    const script = `import { createThreadExecutor } from '@cordon/executor'
      import { invoke, versionOfCode } from './harness.js'
      const executor = await createThreadExecutor({ spares: 0 })
      const version = versionOfCode(\`const kept = []; handOver({ default: async (input) => {
        for (let round = 0; input === 'fill'; round++) { kept.push(new Array(2000).fill(round)); if (round % 20 === 0) await new Promise((resolve) => setImmediate(resolve)) }
        return 'fine'
      } })\`, { memoryMb: 64, timeoutMs: 20_000 })
      const full = await invoke(executor, version, 'fill')
      console.log(full.error?.code, JSON.stringify(full.error?.details))
      console.log((await invoke(executor, version, 'next')).outputJson)
      await executor.close()`
    const cwd = fileURLToPath(new URL('.', import.meta.url))
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', cwd, timeout: 30_000 })
    // What docs/guides/isolation.md says threads cannot do.
    if (stderr.includes('JavaScript heap out of memory')) return this.skip()
    const details = { memoryMb: 64, peakMemoryMb: 0, exitCode: 134, signal: null }
    expect({ stdout, status }).to.deep.equal({ stdout: `MEMORY_LIMIT ${JSON.stringify(details)}\n"fine"\n`, status: 0 })
  })

  it('ends a call whose thread is inside a long native call, which nothing can interrupt', async () => {
    const executor = await createThreadExecutor({ spares: 0 })
    const code = `handOver({ default: (rounds) => builtin('crypto').pbkdf2Sync('a', 'b', rounds, 64, 'sha512').length })`
    const version = versionOfCode(code, { timeoutMs: 100 })
    expect(failureOf(await invoke(executor, version, 5_000_000)).code).to.equal('TIMEOUT')
    expect(outputOf(await invoke(executor, version, 1))).to.equal(64)
    await executor.close()
  })

  it('leaves the host its own cpuUsage, its permissions and its handler of exceptions', async () => {
    const { cpuUsage } = process
    const executor = await createThreadExecutor({ spares: 0 })
    outputOf(await invoke(executor, versionOf('hello.mjs'), { name: 'x' }))
    expect(process.cpuUsage).to.equal(cpuUsage)
    expect(process.hasUncaughtExceptionCaptureCallback()).to.equal(false)
    expect((process as { permission?: unknown }).permission).to.equal(undefined)
    await executor.close()
  })
})

describe('the flags of a thread', () => {
  it("stop Node's own functions for files, processes and threads, in the thread alone", async () => {
    const attempts = {
      read: `require('node:fs').readFileSync('/etc/hosts')`,
      list: `require('node:fs').readdirSync('/')`,
      write: `require('node:fs').writeFileSync('written-by-a-thread', '')`,
      spawn: `require('node:child_process').spawnSync(process.execPath, ['-v'])`,
      thread: `new (require('node:worker_threads').Worker)('', { eval: true, execArgv: [] })`,
    }
    const lines = Object.entries(attempts).map(([name, code]) => `try { ${code}; seen.${name} = 'done' } catch (error) { seen.${name} = error.code }`)
    const code = `const seen = {}; ${lines.join('; ')}; require('node:worker_threads').parentPort.postMessage(seen)`
    const [seen] = await once(new Worker(code, { eval: true, execArgv: threadFlags() }), 'message')
    expect(seen).to.deep.equal(Object.fromEntries(Object.keys(attempts).map((name) => [name, 'ERR_ACCESS_DENIED'])))
  })
})
