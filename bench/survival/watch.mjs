import { closeSync, openSync, readSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Pause of a healthy caller between two calls. */
const thinkMs = 2
/** Between two looks at the memory of the host. */
const memoryPeriodMs = 20
const mib = 2 ** 20

/**
 * Calls the healthy function until `end` settles, and watches the host meanwhile.
 *
 * @returns times of the calls in milliseconds, failures, stalls of the event loop, how long it worked on end, and peak memory of the host
 */
export async function serveHealthy(platform, end) {
  const stalls = monitorEventLoopDelay({ resolution: 1 })
  const seen = { times: [], failed: 0, reason: undefined, stallMs: 0, stall99Ms: 0, peakMb: residentMb() }
  const sampler = setInterval(() => (seen.peakMb = Math.max(seen.peakMb, residentMb())), memoryPeriodMs)
  const turns = watchTurns()
  stalls.enable()
  const phase = { isOver: false }
  const over = end.finally(() => (phase.isOver = true))
  for (let n = 0; !phase.isOver; n++) {
    const from = performance.now()
    try {
      const { output } = await platform.invoke('healthy', { n })
      if (output.n !== n + 1) throw new Error('a wrong answer')
    } catch (error) {
      seen.failed += 1
      seen.reason ??= error.message
    }
    seen.times.push(performance.now() - from)
    await delay(thinkMs)
  }
  await over
  stalls.disable()
  seen.turnsMs = turns.end()
  clearInterval(sampler)
  seen.stallMs = stalls.max / 1e6
  seen.stall99Ms = stalls.percentile(99) / 1e6
  return seen
}

/**
 * Notes how long the event loop worked between two turns of a timer of 1 ms: time on a core, without the time in which others had it, which
 * says more than delays on a machine that is not quiet (proc(5), /proc/pid/schedstat, first field). Empty where there is no /proc.
 */
function watchTurns() {
  const buffer = Buffer.alloc(100)
  const turns = []
  let file
  try {
    file = openSync('/proc/self/schedstat', 'r')
  } catch {
    return { end: () => turns }
  }
  const onCoreMs = () => Number.parseInt(buffer.latin1Slice(0, readSync(file, buffer, 0, buffer.length, 0)), 10) / 1e6
  let last = onCoreMs()
  const timer = setInterval(() => {
    const now = onCoreMs()
    turns.push(now - last)
    last = now
  }, 1)
  return {
    end() {
      clearInterval(timer)
      closeSync(file)
      return turns
    },
  }
}

/** Resident memory of this process in MiB. */
export function residentMb() {
  return process.memoryUsage.rss() / mib
}

/** Memory of this process in MiB after its garbage was collected: resident, and what JavaScript still holds (heap and buffers). */
export async function collectedMb() {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  // The second time takes what the finalizers of the first let go.
  for (let round = 0; round < 2; round++) {
    collect()
    await delay(500)
  }
  const { heapUsed, external } = process.memoryUsage()
  return { resident: residentMb(), held: (heapUsed + external) / mib }
}
