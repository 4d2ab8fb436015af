/**
 * Host survival: one host serves healthy calls while hostile functions run beside them with the analyzer's rules off.
 * Prints what the host and its healthy callers notice. Ends with code 1 when a healthy call failed, a canary was
 * touched or a process was left.
 *
 *   npm run survival                  300 hostile invocations
 *   npm run survival -- --count 10000
 */
import { createPlatform } from '@cordon/core'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { describeMachine, median, quantile, report } from './measure.mjs'
import { withScratch } from './scratch.mjs'

const { values } = parseArgs({ options: { count: { type: 'string', default: '300' } } })
const count = Number(values.count)
if (!Number.isSafeInteger(count) || count < 1) {
  console.error(`Cannot run ${values.count} hostile invocations: expected --count with a whole number of at least 1`)
  process.exit(2)
}

const attackFolder = new URL('../packages/executor/test/fixtures/attacks/', import.meta.url)
const attacks = JSON.parse(readFileSync(new URL('manifest.json', attackFolder), 'utf8')).map(({ file }) => file)
/** Attackers that run at once. */
const attackers = 2
/** Most attacks end at once; the others are ended by this deadline. */
const attackTimeoutMs = 1000
/** Length of the quiet phase that the other one is compared with. */
const quietMs = 3000
/** Pause of a healthy caller between two calls. */
const thinkMs = 2

console.log(`# ${describeMachine()}\n# survival, ${count} hostile invocations, ${attackers} at a time`)
await withScratch(async (folder) => {
  const canaries = await setOutCanaries(folder)
  const platform = await createPlatform({ dataDir: join(folder, 'data'), analyzer: { enforce: false } })
  const pids = new Set()
  platform.on('sandbox', ({ pid }) => pids.add(pid))
  try {
    await platform.deploy({ name: 'healthy', source: '/** @function */\nexport default (input: { n: number }) => ({ n: input.n + 1 })' })
    for (const file of attacks) {
      await platform.deploy({ name: nameOf(file), files: { 'index.mjs': readFileSync(new URL(file, attackFolder), 'utf8') } })
    }
    await serveHealthy(platform, delay(1000))
    const memoryBefore = process.memoryUsage.rss()
    const quiet = await serveHealthy(platform, delay(quietMs))
    const hostile = await serveHealthy(platform, attack(platform, canaries.input))
    await delay(1000)
    const memoryAfter = process.memoryUsage.rss()
    console.log(`sandbox level                                        ${platform.stats().sandbox.level}`)
    print('alone', quiet)
    print('beside attackers', hostile)
    report('healthy p99, beside attackers / alone', quantile(hostile.times, 0.99) / quantile(quiet.times, 0.99), 'x')
    report('memory of the host, before', memoryBefore / 2 ** 20, 'MiB')
    report('memory of the host, after', memoryAfter / 2 ** 20, 'MiB')
    if (quiet.failed + hostile.failed > 0) complain(`${quiet.failed + hostile.failed} healthy calls failed: ${hostile.reason ?? quiet.reason}`)
  } finally {
    await platform.close()
    for (const touched of canaries.touched()) complain(`a hostile function touched the canary: ${touched}`)
    canaries.close()
  }
  await delay(1000)
  const left = [...pids].filter(isAlive)
  report('sandboxes started', pids.size, '')
  report('processes left', left.length, '')
  if (left.length > 0) complain(`processes were left: ${left.join(', ')}`)
})

function nameOf(file) {
  return `attack-${file.split('-')[0]}`
}

/** Calls the healthy function until `end` settles. */
async function serveHealthy(platform, end) {
  const stalls = monitorEventLoopDelay({ resolution: 1 })
  stalls.enable()
  const seen = { times: [], failed: 0, reason: undefined, stallMs: 0 }
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
  seen.stallMs = stalls.max / 1e6
  return seen
}

async function attack(platform, input) {
  let started = 0
  async function work() {
    while (started < count) {
      const name = nameOf(attacks[started++ % attacks.length])
      // What becomes of it is the business of the attack tests; here counts what the others notice.
      await platform.invoke(name, input, { timeoutMs: attackTimeoutMs }).catch(() => {})
    }
  }
  await Promise.all(Array.from({ length: attackers }, work))
}

function print(phase, { times, failed, stallMs }) {
  report(`healthy calls, ${phase}`, times.length, '')
  report(`healthy calls failed, ${phase}`, failed, '')
  report(`healthy p50, ${phase}`, median(times), 'ms')
  report(`healthy p99, ${phase}`, quantile(times, 0.99), 'ms')
  report(`longest stall of the event loop, ${phase}`, stallMs, 'ms')
}

/** What attackers are after: a file, a port, a path to write to, and a process. */
async function setOutCanaries(folder) {
  const canaryPath = join(folder, 'canary.txt')
  const canaryWritePath = join(folder, 'written.txt')
  await writeFile(canaryPath, 'CANARY in a file')
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const victim = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60000)'], { stdio: 'ignore' })
  return {
    input: { canaryPath, canaryWritePath, canaryPort: server.address().port, canaryPid: victim.pid },
    touched: () => [
      ...(connections > 0 ? ['port'] : []),
      ...(existsSync(canaryWritePath) ? ['path to write to'] : []),
      ...(victim.exitCode !== null || victim.signalCode !== null ? ['process'] : []),
    ],
    close() {
      victim.kill('SIGKILL')
      server.close()
    },
  }
}

/** A zombie is not alive: its parent has yet to read how it ended. */
function isAlive(pid) {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function complain(what) {
  console.log(`FAILED: ${what}`)
  process.exitCode = 1
}
