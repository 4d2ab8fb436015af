import type { Sandbox } from '../sandbox/sandbox.ts'
import { checkIdle, checkMemory } from '../sandbox/watchdog.ts'
import type { Spares } from './spares.ts'
import type { VersionPools } from './version-pools.ts'

/** CPU time that an idle sandbox may use, timers of libraries and garbage collection, in how much time. */
const idleCpuMs = 60
const idleCpuPeriodMs = 1000

/**
 * The sandbox whose place can be given to another version: a spare; else, of the tenant that holds the most, the one that
 * has been idle longest; else one on its way that nobody waits for any more.
 */
export function dispensable(sandboxes: Iterable<Sandbox>, spares: Spares, pools: VersionPools): Sandbox | undefined {
  let idle: Sandbox | undefined
  let idleHeld = 0
  let needless: Sandbox | undefined
  for (const one of sandboxes) {
    if (one.death !== undefined || one.calls.size > 0) continue
    if (spares.has(one)) return one
    const pool = pools.find(one.version)
    if (pool === undefined) continue
    const { held } = pool.gate.tenant
    if (one.kind === undefined) {
      if (pool.needlessStart?.sandbox === one) needless = one
    } else if (idle === undefined || held > idleHeld || (held === idleHeld && one.idleSince < idle.idleSince)) {
      idle = one
      idleHeld = held
    }
  }
  return idle ?? needless
}

/** Lets sandboxes go that were idle for `idleMs`, and those that compute or grow although nothing runs in them. */
export function sweepIdle(sandboxes: Iterable<Sandbox>, idleMs: number): void {
  const now = performance.now()
  for (const sandbox of sandboxes) {
    if (sandbox.isBusy || sandbox.death !== undefined || sandbox.kind === undefined) continue
    if (now - sandbox.idleSince >= idleMs) sandbox.kill('CLOSED', 'Cannot keep the sandbox: it was idle too long', {})
    else if (sandbox.idleCpuMs >= 0) {
      checkMemory(sandbox)
      checkIdle(sandbox, idleCpuMs, idleCpuPeriodMs)
    }
  }
}
