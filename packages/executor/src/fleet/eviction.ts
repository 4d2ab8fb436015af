import type { Sandbox } from '../sandbox/sandbox.ts'
import { checkIdle, checkMemory } from '../sandbox/watchdog.ts'
import type { Spares } from './spares.ts'

/** CPU time that an idle sandbox may use, timers of libraries and garbage collection, in how much time. */
const idleCpuMs = 60
const idleCpuPeriodMs = 1000

/** The sandbox that has been idle longest, spares included. */
export function longestIdle(sandboxes: Iterable<Sandbox>, spares: Spares): Sandbox | undefined {
  let longest: Sandbox | undefined
  for (const one of sandboxes) {
    if (one.isBusy || one.death !== undefined || (one.kind === undefined && !spares.has(one))) continue
    if (longest === undefined || one.idleSince < longest.idleSince) longest = one
  }
  return longest
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
