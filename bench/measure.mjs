/** What every benchmark shares: statistics, interleaved blocks, and a line that says where the figures come from. */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

export function median(values) {
  return quantile(values, 0.5)
}

export function quantile(values, part) {
  const sorted = Float64Array.from(values).toSorted()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]
}

/** Times `count` calls one after the other; returns the duration of each in microseconds. */
export async function timeCalls(call, count) {
  const times = new Float64Array(count)
  for (let index = 0; index < count; index++) {
    const start = process.hrtime.bigint()
    await call()
    times[index] = Number(process.hrtime.bigint() - start) / 1000
  }
  return times
}

/**
 * Compares two calls in interleaved blocks, so that both see the same moods of the machine. The ratio is the median of
 * the ratios of the block medians.
 */
export async function compareCalls(ours, peer, { blockLength = 500, rounds = 5, warmUp = 1000 } = {}) {
  await timeCalls(ours, warmUp)
  await timeCalls(peer, warmUp)
  const blocks = []
  for (let round = 0; round < rounds; round++) {
    const peerTimes = await timeCalls(peer, blockLength)
    const ourTimes = await timeCalls(ours, blockLength)
    blocks.push({ ours: median(ourTimes), peer: median(peerTimes), ours99: quantile(ourTimes, 0.99), peer99: quantile(peerTimes, 0.99) })
  }
  return {
    ours: median(blocks.map((block) => block.ours)),
    peer: median(blocks.map((block) => block.peer)),
    ratio: median(blocks.map((block) => block.ours / block.peer)),
    p99Ratio: median(blocks.map((block) => block.ours99 / block.peer99)),
  }
}

/** One line: processor, memory, Node, commit. */
export function describeMachine() {
  const [cpu] = cpus()
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Node ${process.version}, commit ${commit()}`
}

/** Prints one figure, beside its target where it has one. A figure without a unit is a count. */
export function report(name, value, unit, target) {
  const verdict = target === undefined ? '' : `   target <= ${target} ${unit}: ${value <= target ? 'met' : 'MISSED'}`
  console.log(`${name.padEnd(52)} ${value.toFixed(unit === '' ? 0 : 2).padStart(9)} ${unit}${verdict}`)
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}
