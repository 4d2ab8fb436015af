/**
 * Host survival: one host serves healthy calls while hostile functions of every class run beside them, with the
 * analyzer's rules off and held to one core. Prints what the host and its healthy callers notice, what became of the
 * attackers, and a verdict per goal. Ends with code 1 when a healthy call failed, a canary was touched or a process was
 * left; the other goals depend on what else the machine does and are only printed.
 *
 *   npm run survival                     300 hostile invocations
 *   npm run survival -- --count 10000    the long form
 */
import { createPlatform } from '@cordon/core'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { describeMachine, median, quantile, report } from './measure.mjs'
import { withScratch } from './scratch.mjs'
import { setOutCanaries } from './survival/canaries.mjs'
import { deployHostileFunctions, invoke } from './survival/hostile-functions.mjs'
import { createProtocolDoors } from './survival/protocol-doors.mjs'
import { timeStarts } from './survival/start-cost.mjs'
import { collectedMb, residentMb, serveHealthy } from './survival/watch.mjs'

const { values } = parseArgs({ options: { count: { type: 'string', default: '300' }, attackers: { type: 'string', default: '8' } } })
const count = wholeNumber('count')
/** Attackers that run at once. */
const attackers = wholeNumber('attackers')
/** Most attacks end at once; the others are ended by this deadline. */
const timeoutMs = 400
/** Length of the phases without attackers, before and after: long enough to settle, short beside the attacks. */
const quietMs = Math.min(20_000, Math.max(3000, count * 10))
/** Hostile invocations between two signs of life. */
const progressEvery = 1000
/** Goals of the long form. */
const goals = { p99Ratio: 1.5, memoryRatio: 1.1 }
/**
 * A host that only serves healthy calls grows, too, until V8 collects its old generation: from 106 to 135 MiB in the first 24 000 calls, and it stays
 * between 113 and 139 for the next 72 000. Memory is compared with a host that has served as many calls as this run is going to.
 */
const warmCalls = Math.min(24_000, count * 24)
const warmCallers = 3

console.log(`# ${describeMachine()}\n# survival, ${count} hostile invocations, ${attackers} at a time`)
await withScratch(async (folder) => {
  const processes = new Map()
  const onSandbox = ({ pid, state }) => void (state === 'booting' && processes.set(pid, startedAt(pid)))
  const canaries = await setOutCanaries(folder)
  const cores = splitCores()
  const healthy = await createPlatform({ dataDir: join(folder, 'healthy'), cpus: cores.healthy })
  const hostile = await createPlatform({
    dataDir: join(folder, 'hostile'),
    cpus: cores.hostile,
    analyzer: { enforce: false },
    limits: { loadTimeoutMs: 1500, queueMs: 30_000, timeoutMs: 3000 },
  })
  healthy.on('sandbox', onSandbox)
  hostile.on('sandbox', onSandbox)
  const doors = await createProtocolDoors({ cpus: cores.hostile, timeoutMs, onSandbox })
  try {
    await healthy.deploy({ name: 'healthy', source: '/** @function */\nexport default (input: { n: number }) => ({ n: input.n + 1 })' })
    const classes = interleave(await deployAttackFiles(hostile, canaries.input), [
      ...(await deployHostileFunctions(hostile, { timeoutMs })),
      ...doors.doors,
    ])
    console.log(
      `# attackers on core ${listOf(cores.hostile)}, healthy sandboxes on ${listOf(cores.healthy)}, level ${hostile.stats().sandbox.level}, ${classes.length} classes`,
    )
    const startTimes = await timeStarts()
    const memoryMb = { start: residentMb(), before: 0, after: 0 }
    await warmUp(healthy)
    const alone = await serveHealthy(healthy, delay(quietMs))
    memoryMb.before = residentMb()
    const startedAt = performance.now()
    const outcomes = new Map()
    const beside = await serveHealthy(healthy, attack(classes, outcomes))
    const durationS = (performance.now() - startedAt) / 1000
    const after = await serveHealthy(healthy, delay(quietMs))
    memoryMb.after = residentMb()
    const collected = await collectedMb()
    printOutcomes(outcomes)
    print('alone', alone)
    print('beside attackers', beside)
    print('afterwards', after)
    report('a start by the host itself holds it up, median', median(startTimes.itself), 'ms')
    report('a start by its helper holds it up, median', median(startTimes.helped), 'ms')
    report('hostile invocations', count, '')
    report('hostile invocations a second', count / durationS, '')
    report('memory of the host, at the start', memoryMb.start, 'MiB')
    report(`memory of the host, after ${warmCalls + alone.times.length} healthy calls`, memoryMb.before, 'MiB')
    report('memory of the host, peak', beside.peakMb, 'MiB')
    report(`memory of the host, ${quietMs / 1000} s after`, memoryMb.after, 'MiB')
    report('memory of the host, once its garbage is collected', collected.resident, 'MiB')
    report('of that: heap and buffers of JavaScript', collected.held, 'MiB')
    const failed = alone.failed + beside.failed + after.failed
    report('healthy calls failed', failed, '', 0)
    report('healthy p99, beside attackers / alone', quantile(beside.times, 0.99) / quantile(alone.times, 0.99), 'x', goals.p99Ratio)
    report('memory, after / before', memoryMb.after / memoryMb.before, 'x', goals.memoryRatio)
    if (failed > 0) complain(`a healthy call failed: ${beside.reason ?? alone.reason ?? after.reason}`)
  } finally {
    await Promise.all([healthy.close(), hostile.close(), doors.close()])
    for (const touched of canaries.touched()) complain(`a hostile function touched the canary: ${touched}`)
    canaries.close()
  }
  await delay(1000)
  const left = [...processes].flatMap(([pid, ticks]) => (ticks !== undefined && startedAt(pid) === ticks ? [pid] : []))
  report('processes left', left.length, '', 0)
  if (left.length > 0) complain(`processes were left: ${left.join(', ')}`)
})

/** Serves the calls of the warm-up, without a pause. */
async function warmUp(platform) {
  let n = 0
  async function work() {
    while (n++ < warmCalls) await platform.invoke('healthy', { n })
  }
  await Promise.all(Array.from({ length: warmCallers }, work))
}

/** The last core is for attackers, the others for healthy sandboxes; the host itself moves freely. */
function splitCores() {
  const last = cpus().length - 1
  if (process.platform !== 'linux' || last < 1) return { healthy: undefined, hostile: undefined }
  return { healthy: Array.from({ length: last }, (_, core) => core), hostile: [last] }
}

function listOf(cores) {
  return cores === undefined ? 'any' : cores.join(', ')
}

async function deployAttackFiles(platform, input) {
  const folder = new URL('../packages/executor/test/fixtures/attacks/', import.meta.url)
  const attacks = JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8'))
  const classes = []
  for (const { file, category } of attacks) {
    const name = `attack-${file.split('-')[0]}`
    await platform.deploy({ name, files: { 'index.mjs': readFileSync(new URL(file, folder), 'utf8') } })
    classes.push({ group: `attack files: ${category}`, name: file, call: () => invoke(platform, name, input, timeoutMs) })
  }
  return classes
}

/** One of each in turn, so that a short run has seen both kinds. */
function interleave(first, second) {
  const mixed = []
  for (let index = 0; index < Math.max(first.length, second.length); index++) {
    mixed.push(...[first[index], second[index]].filter((one) => one !== undefined))
  }
  return mixed
}

/** Calls the classes in turn and counts what became of each group. */
async function attack(classes, outcomes) {
  let started = 0
  let ended = 0
  async function work() {
    while (started < count) {
      const { group, call } = classes[started++ % classes.length]
      const code = await call()
      const codes = outcomes.get(group) ?? new Map()
      outcomes.set(group, codes.set(code, (codes.get(code) ?? 0) + 1))
      if (++ended % progressEvery === 0) console.log(`# ${ended} of ${count}, memory of the host ${residentMb().toFixed(0)} MiB`)
    }
  }
  await Promise.all(Array.from({ length: attackers }, work))
}

function printOutcomes(outcomes) {
  for (const [group, codes] of [...outcomes].toSorted(([a], [b]) => a.localeCompare(b))) {
    const list = [...codes].toSorted((a, b) => b[1] - a[1]).map(([code, times]) => `${code} ${times}`)
    console.log(`${group.padEnd(24)} ${list.join(', ')}`)
  }
}

function print(phase, { times, failed, stallMs, stall99Ms, turnsMs }) {
  report(`healthy calls, ${phase}`, times.length, '')
  report(`healthy calls failed, ${phase}`, failed, '')
  report(`healthy p50, ${phase}`, median(times), 'ms')
  report(`healthy p99, ${phase}`, quantile(times, 0.99), 'ms')
  report(`event loop late, p99, ${phase}`, stall99Ms, 'ms')
  report(`event loop late, longest, ${phase}`, stallMs, 'ms')
  if (turnsMs.length === 0) return
  report(`event loop at work on end, p99, ${phase}`, quantile(turnsMs, 0.99), 'ms')
  report(`event loop at work on end, longest, ${phase}`, quantile(turnsMs, 1), 'ms')
}

/**
 * When a living process started, in clock ticks since boot: with its number, who it is, because numbers are used again (proc(5), fields 3 and 22 of stat).
 * `undefined` when there is none. A zombie is not alive: its parent has yet to read how it ended.
 */
function startedAt(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function wholeNumber(name) {
  const number = Number(values[name])
  if (Number.isSafeInteger(number) && number >= 1) return number
  console.error(`Cannot run the survival: --${name} is ${values[name]}, expected a whole number of at least 1`)
  process.exit(2)
}

function complain(what) {
  console.log(`FAILED: ${what}`)
  process.exitCode = 1
}
