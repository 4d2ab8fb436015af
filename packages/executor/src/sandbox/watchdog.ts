import { lookAtCpu } from './cpu-time.ts'
import type { Sandbox } from './sandbox.ts'

/** Between two looks at the memory of a busy sandbox, in milliseconds: overshoots by 20 to 50 MiB, as measured with a prototype. */
const periodMs = 25
/** How long a sandbox that became idle is watched for work that goes on. */
const settleMs = 75
/** CPU time within `settleMs` that is work and not the end of a garbage collection. */
const busyCpuMs = 40
/** Private memory of a Node that just started, in MiB: 9 to 20 were seen. */
const usualBaselineMb = 20
/** File-backed memory that Node itself may touch later: its program text. */
const textMb = 64

/** Watches memory and CPU of sandboxes from outside. Runs only while one is busy or has just become idle. */
export class Watchdog {
  readonly #watched = new Set<Sandbox>()
  #timer: NodeJS.Timeout | undefined
  #turn: NodeJS.Immediate | undefined

  watch(sandbox: Sandbox): void {
    if (sandbox.stats === undefined) return
    this.#watched.add(sandbox)
    // What a sandbox sent while the host stood still is read first: a result that has arrived is not undone by what came after it.
    this.#timer ??= setInterval(() => (this.#turn ??= setImmediate(() => this.#tick())), periodMs).unref()
  }

  unwatch(sandbox: Sandbox): void {
    this.#watched.delete(sandbox)
  }

  close(): void {
    clearInterval(this.#timer)
    clearImmediate(this.#turn)
    this.#timer = undefined
    this.#watched.clear()
  }

  #tick(): void {
    this.#turn = undefined
    if (this.#watched.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    const now = performance.now()
    for (const sandbox of this.#watched) {
      checkMemory(sandbox)
      if (sandbox.isBusy) {
        sandbox.idleCpuMs = -1
        for (const call of sandbox.calls.values()) lookAtCpu(sandbox, call)
      } else if (sandbox.idleCpuMs < 0) {
        markIdle(sandbox, now)
      } else if (now - sandbox.idleSeenAt >= settleMs) {
        checkIdle(sandbox, busyCpuMs, settleMs)
        this.#watched.delete(sandbox)
      }
    }
  }
}

function markIdle(sandbox: Sandbox, now: number): void {
  sandbox.idleCpuMs = sandbox.stats?.cpuMs() ?? 0
  sandbox.idleSeenAt = now
}

/** Kills a sandbox that uses more memory than its version may. */
export function checkMemory(sandbox: Sandbox): void {
  const { stats } = sandbox
  if (stats === undefined || sandbox.death !== undefined) return
  const { residentMb, privateMb, dataMb } = stats.memory()
  if (residentMb > sandbox.peakMb) sandbox.peakMb = residentMb
  if (!sandbox.isBooted) return
  // The host had no descriptor to look with when it greeted.
  if (sandbox.baselineMb === 0) sandbox.baselineMb = Math.min(privateMb, usualBaselineMb)
  const memoryMb = sandbox.version?.limits.memoryMb ?? sandbox.memoryMb
  const usedMb = Math.max(privateMb - sandbox.baselineMb, residentMb - sandbox.baselineMb - textMb)
  sandbox.peakUsedMb = Math.max(sandbox.peakUsedMb, usedMb, dataMb - sandbox.baselineDataMb)
  if (usedMb <= memoryMb) return
  sandbox.kill('MEMORY_LIMIT', `Cannot finish the invocation: it used more memory than its ${memoryMb} MiB`, {
    memoryMb,
    peakMemoryMb: Math.round(sandbox.peakMb),
  })
}

/**
 * Kills an idle sandbox that used the CPU for `allowedMs` in `periodMs` since it was last looked at: something of an invocation went on
 * after its result. The host may look later than it wanted to.
 */
export function checkIdle(sandbox: Sandbox, allowedMs: number, periodMs: number): void {
  if (sandbox.isBusy || sandbox.stats === undefined || sandbox.death !== undefined) return
  const cpuMs = sandbox.stats.cpuMs()
  // No process uses none at all: one of the two could not be read.
  const usedMs = cpuMs === 0 || sandbox.idleCpuMs === 0 ? 0 : cpuMs - sandbox.idleCpuMs
  const now = performance.now()
  const periods = Math.max(1, (now - sandbox.idleSeenAt) / periodMs)
  sandbox.idleCpuMs = cpuMs
  sandbox.idleSeenAt = now
  if (usedMs >= allowedMs * periods)
    sandbox.kill('CRASHED', 'Cannot keep the sandbox: work of an invocation went on after its result', { cpuMs: usedMs })
}
