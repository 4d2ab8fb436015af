import { availableParallelism } from 'node:os'
import type { Call } from './call.ts'
import type { Sandbox } from './sandbox.ts'

const cores = availableParallelism()
/** Step of the CPU times in /proc in milliseconds: two readings are never closer to the truth. */
const tickMs = 10
/** Calls shorter than this are not looked at: a reading costs as much as a tenth of a short call. */
const minMs = 25

/**
 * Reads the CPU time of the process of a running call from /proc. The first reading also decides where the call started:
 * at what the runtime said when the call before it ended, as far as the time since then allows that.
 */
export function lookAtCpu(sandbox: Sandbox, call: Call): void {
  const wallMs = performance.now() - call.dispatchedAt
  if (sandbox.stats === undefined || wallMs < minMs) return
  const readMs = sandbox.stats.cpuMs()
  // The process is gone.
  if (readMs === 0) return
  if (call.cpuFromMs < 0) call.cpuFromMs = Math.min(readMs, Math.max(sandbox.cpuMicros / 1000, readMs - wallMs * cores))
  call.cpuMs = Math.max(0, readMs - call.cpuFromMs)
}

/**
 * Takes the CPU time in microseconds that the runtime reports with the end of a call: as it is for a short call, within the
 * wall time on all cores; for a longer one only as far as it agrees with what /proc shows.
 */
export function takeReportedCpu(sandbox: Sandbox, call: Call, micros: number): void {
  const wallMs = performance.now() - call.dispatchedAt
  const reportedMs = Math.min(((micros - sandbox.cpuMicros) >>> 0) / 1000, wallMs * cores)
  lookAtCpu(sandbox, call)
  sandbox.cpuMicros = micros
  call.cpuMs = call.cpuFromMs < 0 ? reportedMs : Math.min(Math.max(reportedMs, call.cpuMs - tickMs, 0), call.cpuMs + tickMs)
}
