import { readFileSync } from 'node:fs'

/** A process in a way that a recycled pid does not match. */
export interface ProcessIdentity {
  readonly pid: number
  /** Start of the process in clock ticks since boot; `null` where there is no /proc. */
  readonly startTime: string | null
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? null }
}

/** Whether this very process still runs; zombies do not count. */
export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  if (pid <= 0) return false
  const now = startTimeOf(pid)
  if (now !== undefined) return startTime === null || startTime === now
  if (startTime !== null && startTimeOf(process.pid) !== undefined) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there and somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Field 22 of /proc/<pid>/stat (proc_pid_stat(5)); `undefined` without /proc, or when the process is gone or a zombie. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name of the program stands in parentheses and may hold anything: fields are counted after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
