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

/** Whether this process and its children may use one core only. */
export const isPinned = process.env['BENCH_PINNED'] === '1'

/**
 * Compares calls, by name, one in flight, in interleaved blocks, so that all of them see the same moods of the machine. `of` gives p50 and p99
 * in microseconds, the medians over the blocks; `ratio` the median of the per-block ratios.
 */
export async function compareCalls(calls, { blockLength = 500, rounds = 5, warmUp = 1000 } = {}) {
  const blocks = {}
  for (const [name, call] of Object.entries(calls)) {
    blocks[name] = []
    await timeCalls(call, warmUp)
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of Object.entries(calls)) {
      const times = await timeCalls(call, blockLength)
      blocks[name].push({ p50: median(times), p99: quantile(times, 0.99) })
    }
  }
  return {
    of: (name) => ({ p50: median(blocks[name].map(({ p50 }) => p50)), p99: median(blocks[name].map(({ p99 }) => p99)) }),
    ratio: (name, reference, figure = 'p50') => median(blocks[name].map((block, round) => block[figure] / blocks[reference][round][figure])),
  }
}

/**
 * Compares the throughput of calls, by name, with `inFlight` of them under way all the time, in interleaved blocks of
 * `blockLength` calls of each of the `inFlight` callers. `perSecond` is the median over the blocks.
 */
export async function compareThroughput(calls, { inFlight, blockLength = 500, rounds = 5 }) {
  const blocks = {}
  async function measure(call, count) {
    const from = performance.now()
    await Promise.all(
      Array.from({ length: inFlight }, async () => {
        for (let index = 0; index < count; index++) await call()
      }),
    )
    return (count * inFlight * 1000) / (performance.now() - from)
  }
  for (const [name, call] of Object.entries(calls)) {
    blocks[name] = []
    await call()
    await measure(call, Math.ceil(blockLength / 5))
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of Object.entries(calls)) blocks[name].push(await measure(call, blockLength))
  }
  return {
    perSecond: (name) => median(blocks[name]),
    ratio: (name, reference) => median(blocks[name].map((value, round) => value / blocks[reference][round])),
  }
}

/** One line: processor, memory, Node, commit. */
export function describeMachine() {
  const [cpu] = cpus()
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Node ${process.version}, commit ${commit()}`
}

/** Prints one figure, beside its target where it has one: a number that it may not exceed, or `{ atLeast }`. A figure without a unit is a count. */
export function report(name, value, unit, target) {
  const digits = ['', 'calls/s', 'req/s'].includes(unit) ? 0 : 2
  console.log(`${name.padEnd(52)} ${value.toFixed(digits).padStart(9)} ${unit}${verdict(value, unit, target)}`)
}

function verdict(value, unit, target) {
  if (target === undefined) return ''
  const [sign, limit] = typeof target === 'number' ? ['<=', target] : ['>=', target.atLeast]
  return `   target ${sign} ${limit} ${unit}: ${(sign === '<=' ? value <= limit : value >= limit) ? 'met' : 'MISSED'}`
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}
