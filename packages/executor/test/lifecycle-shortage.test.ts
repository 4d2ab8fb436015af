import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createExecutorFrom } from '../dist/executor.js'
import { resolveExecutorOptions } from '../dist/options.js'
import { selectHardening } from '../dist/hardening/select-hardening.js'
import type { SpawnCommand } from '../dist/hardening/hardening.js'
import { childrenOf, failureOf, invoke, outputOf, versionOfCode } from './harness.ts'

const program = fileURLToPath(new URL('lifecycle-shortage-host.js', import.meta.url))
/** Of nobody, so that only the host of this test counts against its limits. */
const user = process.getuid?.() === 0 ? { uid: 65_528, gid: 65_528 } : {}

interface Ends {
  readonly warm: readonly string[]
  readonly cold: readonly string[]
  readonly after: string
}

function checkEnds({ warm, cold, after }: Ends, code: string): void {
  expect(new Set(warm)).to.deep.equal(new Set(['success']))
  expect(cold.filter((end) => end !== 'success')).to.have.length.greaterThan(0)
  for (const end of cold) if (end !== 'success') expect(end).to.match(new RegExp(`^SANDBOX_FAILED: Cannot start a sandbox: .* raise .*\\(${code}`))
  expect(after).to.equal('success')
}

describe('a host that is short of something sandboxes need', function () {
  for (const hardening of ['best-effort', 'basic']) {
    it(`says that it may open no more files, keeps its warm sandboxes, and goes on afterwards (${hardening})`, async function () {
      if (process.platform === 'win32') return this.skip()
      const host = spawn('/bin/sh', ['-c', 'ulimit -n 120; exec "$@"', 'sh', process.execPath, program, 'descriptors', hardening], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      checkEnds(JSON.parse(await text(host.stdout)) as Ends, 'EMFILE')
    })

    it(`says that there may be no more processes, keeps its warm sandboxes, and goes on afterwards (${hardening})`, async function () {
      if (!canLimitProcesses()) return this.skip()
      const host = fork(program, ['processes', hardening], { ...user, cwd: '/', stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
      host.on('message', (limit) => void limitProcesses(host, limit === 'plenty' ? 4096 : 1))
      checkEnds(JSON.parse(host.stdout === null ? '' : await text(host.stdout)) as Ends, 'EAGAIN')
    })
  }

  const refusals: readonly [code: string, what: string, command: Partial<SpawnCommand>][] = [
    ['ENOENT', 'a program that is gone', { file: '/nonexistent/node' }],
    ['EACCES', 'a program that may not be run', { file: '/' }],
    ['E2BIG', 'arguments that are too long', { arguments: ['x'.repeat(8_000_000)] }],
  ]
  for (const [code, what, command] of refusals) {
    it(`says what to do about ${what}, and goes on when that is over`, async function () {
      if (process.platform === 'win32') return this.skip()
      let isOver = false
      const basic = await selectHardening('basic')
      const hardening = { ...basic, command: (spec: Parameters<typeof basic.command>[0]) => ({ ...basic.command(spec), ...(isOver ? {} : command) }) }
      const { readRuntime } = await import('../dist/hardening/sandbox-command.js')
      let isSpare: () => void = () => undefined
      const spare = new Promise<void>((resolve) => (isSpare = resolve))
      const options = resolveExecutorOptions({ spares: 1, onSandbox: ({ state }) => state === 'spare' && isSpare() })
      const executor = createExecutorFrom(options, hardening, readRuntime())
      const failure = failureOf(await invoke(executor, versionOfCode('handOver({ default: () => 1 })')))
      expect(failure).to.have.property('code', 'SANDBOX_FAILED')
      expect(failure.message).to.match(new RegExp(`^Cannot start a sandbox: .*\\(${code}\\)$`))
      expect(failure.details).to.deep.equal({ stage: 'boot' })
      // Three failures in a row; those behind them are refused until the next try.
      while (executor.stats().canStart) await invoke(executor, versionOfCode('handOver({ default: () => 1 })'))
      isOver = true
      expect(outputOf(await invoke(executor, versionOfCode('handOver({ default: () => 1 })')))).to.equal(1)
      expect(executor.stats().canStart).to.equal(true)
      await spare
      await executor.close()
    })
  }

  it('shows what a sandbox printed that ended while it was starting', async () => {
    const hardening = await selectHardening('basic')
    const executor = createExecutorFrom(resolveExecutorOptions({ spares: 0 }), hardening, `process._rawDebug('no such library'); process.exit(125)`)
    const failure = failureOf(await invoke(executor, versionOfCode('')))
    expect(failure.code).to.equal('SANDBOX_FAILED')
    expect(failure.message).to.equal('Cannot start a sandbox: its process ended by itself (exit code 125): no such library')
    await executor.close()
  })
})

/** Limits a host, and its helper, which starts the sandboxes: it has the limits of the host from its start. */
async function limitProcesses(host: ChildProcess, limit: number): Promise<void> {
  const helpers = await childrenOf(host.pid ?? 0)
  for (const pid of [host.pid, ...helpers.map((helper) => helper.pid)])
    execFileSync('prlimit', [`--nproc=${limit}:`, `--pid=${pid}`], { ...user, cwd: '/' })
  host.send('done')
}

/** Whether the limit of another process can be set here, by a user who can read this repository. */
function canLimitProcesses(): boolean {
  try {
    const readsProgram = `require('node:fs').accessSync(${JSON.stringify(program)}, 4)`
    execFileSync(process.execPath, ['-e', readsProgram], { ...user, cwd: '/', stdio: 'ignore' })
    execFileSync('prlimit', ['--nproc'], { ...user, cwd: '/', stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
