import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { Capabilities } from '@cordon/contracts'
import { createReaper } from '@cordon/executor'
import { createExecutorFrom } from '../dist/executor.js'
import { readRuntime } from '../dist/hardening/sandbox-command.js'
import { selectHardening } from '../dist/hardening/select-hardening.js'
import { resolveExecutorOptions, type ExecutorOptions } from '../dist/options.js'
import { childrenOf, failureOf, invoke, isAlive, outputOf, versionOfCode } from './harness.ts'

/** The helpers of this process; other tests may have some of their own. */
async function helpers(): Promise<number[]> {
  return (await childrenOf(process.pid)).filter(({ command }) => command.includes('reaper-process')).map(({ pid }) => pid)
}

describe('a reaper', function () {
  this.timeout(30_000)
  before(async function () {
    if (process.platform !== 'linux') return this.skip()
  })

  for (const level of ['best-effort', 'basic'] as const) {
    it(`that is killed takes its sandboxes along, fails the calls in them, and is replaced (${level})`, async () => {
      const others = await helpers()
      const reaper = createReaper()
      const pids = new Set<number>()
      const onSandbox: ExecutorOptions['onSandbox'] = ({ pid }) => void pids.add(pid)
      const hardening = await selectHardening(level)
      const executor = createExecutorFrom(resolveExecutorOptions({ reaper, onSandbox }), hardening, readRuntime())
      const [helper = 0] = (await helpers()).filter((pid) => !others.includes(pid))
      let loops: () => void = () => undefined
      const looping = new Promise<void>((resolve) => (loops = resolve))
      const capabilities: Capabilities = {
        call: async () => (loops(), { fields: [], rows: [], rowCount: 0 }),
        end: async () => undefined,
      }
      const loop = versionOfCode(`handOver({ default: (input, ctx) => ctx.db.query('go').then(() => { for (;;); }) })`, { timeoutMs: 20_000 })
      const call = invoke(executor, loop, undefined, { capabilities })
      await looping
      const lost = [...pids]
      process.kill(helper, 'SIGKILL')
      const { code, message, details } = failureOf(await call)
      expect({ code, details }).to.deep.equal({ code: 'CRASHED', details: { stage: 'run' } })
      expect(message).to.equal('Cannot finish the invocation: the process that starts sandboxes has ended')
      const fine = versionOfCode('handOver({ default: () => 1 })')
      for (let next = 0; next < 2; next++) expect(outputOf(await invoke(executor, fine))).to.equal(1)
      for (const pid of lost) while (await isAlive(pid)) await new Promise((resolve) => setImmediate(resolve))
      await executor.close()
      await reaper.close()
      expect(await helpers()).to.deep.equal(others)
      for (const pid of pids) expect(await isAlive(pid), `process ${pid}`).to.equal(false)
    })
  }

  it('tells what a process printed, the start of it, and ends one that prints too much', async () => {
    const reaper = createReaper()
    const basic = await selectHardening('basic')
    const prologue = `globalThis.print = ((fs) => (text, times) => { while (times-- > 0) fs.writeSync(2, text) })(require('node:fs'));\n`
    const executor = createExecutorFrom(resolveExecutorOptions({ reaper, spares: 0 }), basic, prologue + readRuntime())
    const version = versionOfCode(`handOver({ default: ([text, times]) => { print(text, times); process.exit(3) } })`)
    const little = await invoke(executor, version, ['last words', 1])
    expect(failureOf(little).details).to.include({ exitCode: 3, signal: null })
    expect(little.logs.map(({ message }) => message)).to.deep.equal(['last words'])
    const much = await invoke(executor, version, ['x'.repeat(65_536), 1000])
    expect(failureOf(much).code).to.equal('PROTOCOL_VIOLATION')
    expect(much.logs[0]?.message).to.equal('x'.repeat(8192))
    await executor.close()
    await reaper.close()
  })

  it('keeps a host that waits for nothing else until the end of what it started is known, and no longer', async () => {
    const script = `
      import { createReaper } from '@cordon/executor'
      let helper = 0
      const started = createReaper().start((parent) => ((helper = parent), { file: '/bin/sleep', arguments: ['60'], environment: {} }))
      started.events.once('start', (channel) => {
        channel.destroy()
        process.kill(helper, 'SIGKILL')
      })
      started.events.once('fail', () => console.log('lost'))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname })
    expect(stdout).to.equal('lost\n')
  })

  it('that is closed starts nothing any more', async () => {
    const reaper = createReaper()
    await reaper.close()
    const executor = createExecutorFrom(resolveExecutorOptions({ reaper, spares: 0 }), await selectHardening('basic'), readRuntime())
    expect(failureOf(await invoke(executor, versionOfCode('handOver({ default: () => 1 })'))).message).to.equal(
      'Cannot start a sandbox: the platform is closed',
    )
    await executor.close()
  })
})
