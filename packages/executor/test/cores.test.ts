import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { PlatformError } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { invoke, outputOf, versionOf } from './harness.ts'

/** Cores of a process, as Linux lists them: `0-3,8`. */
function coresOf(pid: number | 'self'): string | undefined {
  return /^Cpus_allowed_list:\s+(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
}

describe('the cores of sandboxes', function () {
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  it('are those of the option, for spares and for sandboxes that were booted for a call; the host keeps its own', async () => {
    const own = coresOf('self')
    const core = Number(/\d+$/.exec(own ?? '')?.[0])
    const pids = new Set<number>()
    const executor = await createExecutor({ cpus: [core], onSandbox: ({ pid, state }) => state === 'idle' && pids.add(pid) })
    try {
      for (const memoryMb of [128, 64]) outputOf(await invoke(executor, versionOf('hello.mjs', { memoryMb }), { name: 'Ada' }))
      const { level, enforced } = executor.stats().sandbox
      expect(level).to.equal('launcher')
      expect(enforced).to.include(`cores ${core}`)
      expect(Array.from(pids, coresOf)).to.deep.equal([String(core), String(core)])
      expect(coresOf('self')).to.equal(own)
    } finally {
      await executor.destroy()
    }
  })

  it('are reported as missing where nothing can hold them', async () => {
    const executor = await createExecutor({ cpus: [0], hardening: 'basic', spares: 0 })
    expect(executor.stats().sandbox.missing.map(({ what }) => what)).to.include('cores')
    await executor.destroy()
  })

  it('are refused when the machine does not have them', async () => {
    const failure: unknown = await createExecutor({ cpus: [0, 62], spares: 0 }).then(
      (executor) => executor.destroy(),
      (error: unknown) => error,
    )
    expect(failure).to.be.instanceOf(PlatformError).that.includes({ code: 'INVALID_OPTION' })
    expect(String(failure)).to.match(/"cpus".*exist here.*62/)
  })
})
