import type { Executor, SandboxReport } from '@cordon/contracts'
import { createExecutorWith } from '../executor.ts'
import { readRuntime } from '../hardening/sandbox-command.ts'
import { resolveThreadExecutorOptions, type ThreadExecutorOptions } from '../options.ts'
import { spawnThread } from './spawn-thread.ts'

/** What a thread does not hold. Shown by `platform.stats()` and explained in docs/guides/isolation.md. */
const report: SandboxReport = Object.freeze({
  level: 'thread',
  enforced: Object.freeze([]),
  missing: Object.freeze([
    { what: 'the wall', why: 'a thread shares the memory, the user, the environment and the descriptors of the host process' },
    { what: 'memory', why: 'only the V8 heap is counted, and a heap that is full may abort the whole host' },
    { what: 'files, processes and threads', why: "permission flags of the thread stop Node's own functions, not native code" },
    { what: 'network and signals', why: 'the permission flags of most Node lines do not know them' },
    { what: 'cores', why: 'threads run where the host runs' },
    { what: 'work after the result', why: 'the CPU time of one thread cannot be read from outside' },
    { what: 'the end', why: 'a thread inside a long native call goes on until that returns' },
  ]),
})

/**
 * Starts an executor whose sandboxes are threads of this process, over piscina: no wall, for functions that the host
 * itself ships. Everything else is as with `createExecutor`.
 *
 * @throws PlatformError INVALID_OPTION, SANDBOX_FAILED when the runtime was not built
 */
export async function createThreadExecutor(options?: ThreadExecutorOptions): Promise<Executor> {
  // Threads end with their process, and can do what a signal would ask for anyway.
  const shared = { ...resolveThreadExecutorOptions(options), guardSigusr1: false }
  const runtime = readRuntime()
  const { Piscina } = await import('piscina')
  return createExecutorWith(shared, { report: () => report, spawn: (memoryMb) => spawnThread(Piscina, runtime, memoryMb) })
}
