import { readFileSync } from 'node:fs'

/** On a machine that is busy with other things an analysis may take so many times its limit on the clock. */
const patience = 3
/** Clock ticks of /proc count hundredths of a second: USER_HZ of proc(5), the same on every Linux architecture of today. */
const msPerTick = 10
/** Shortest pause between two looks, in milliseconds. */
const minPauseMs = 100

/**
 * Calls `expire` when a process has worked for `limitMs` milliseconds: CPU time where the system tells it, because what others do to the machine is not
 * the fault of an upload; at the latest when three times as long went by. Returns a function that ends the watch.
 */
export function watchTime(pid: number, limitMs: number, expire: () => void): () => void {
  const startedAt = performance.now()
  const cpuBefore = cpuMs(pid)
  let timer = setTimeout(look, limitMs)

  function look(): void {
    const cpuNow = cpuMs(pid)
    const left = Math.min(
      cpuBefore === undefined || cpuNow === undefined ? 0 : limitMs - (cpuNow - cpuBefore),
      limitMs * patience - (performance.now() - startedAt),
    )
    if (left <= 0) expire()
    else timer = setTimeout(look, Math.max(left, minPauseMs))
  }
  return () => clearTimeout(timer)
}

/** CPU time of a process in milliseconds, where the system tells it. */
function cpuMs(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    // The name in parentheses may hold anything; the fields after it begin with the third of proc(5), and utime and stime are 14 and 15.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * msPerTick
  } catch {
    return undefined
  }
}
