/**
 * Crash runs: a host is driven over HTTP from outside, and every round something of it gets SIGKILL at a random moment: the host, the database, a
 * backend, a sandbox, a helper, sometimes two at once. A ledger that the platform knows nothing of holds what was acknowledged. After each round
 * the platform has to be back without help, with all that was acknowledged and nothing else. Prints what was killed, how long it took to be back,
 * and a verdict; ends with code 1 at the first violation, which is told with its seed and round.
 *
 *   npm run crash                                300 rounds
 *   npm run crash -- --rounds 8 --seed 7         a short form; the moments of a seed are the same again, the machine is not
 *   npm run crash -- --strike host,reaper        the same victims in every round
 *   npm run crash -- --keep                      leaves the directory of a violation
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { DeployedFunction, MigratedFunction, Secret } from './crash/changes.mjs'
import { checkAll } from './crash/check.mjs'
import { ask, call, deploy } from './crash/client.mjs'
import { Figures, printFigures } from './crash/figures.mjs'
import { plainUpload, rowsUpload, secretUpload, tenants } from './crash/functions.mjs'
import { Gate } from './crash/gate.mjs'
import { HostProcess } from './crash/host-process.mjs'
import { Ledger } from './crash/ledger.mjs'
import { callPlain, writeRows } from './crash/load.mjs'
import { createRandom } from './crash/random.mjs'
import { roles, strike } from './crash/strike.mjs'
import { describeMachine } from './measure.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '300' },
    seed: { type: 'string' },
    strike: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const rounds = wholeNumber(values.rounds, '--rounds')
const seed = wholeNumber(values.seed ?? String(Date.now() % 1_000_000), '--seed')
const only = values.strike?.split(',')
if (only?.some((one) => !roles.includes(one))) throw new TypeError(`Cannot strike "${values.strike}": expected some of ${roles.join(', ')}`)
/** Callers at once that write rows. */
const writers = 4
/** Time under load before something is killed, in milliseconds. */
const loadMs = { from: 50, to: 1200 }
/** Rounds between two signs of life. */
const progressEvery = 10
/** Longest time until the platform works again, in milliseconds. */
const readyMs = 60_000

if (process.platform !== 'linux') {
  console.log('# no crash run here: who is whose process is read from /proc')
  process.exit(0)
}
console.log(`# ${describeMachine()}\n# crash run, ${rounds} rounds, seed ${seed}`)
const folder = await mkdtemp(join(tmpdir(), 'cordon-crash-'))
await chmod(folder, 0o711)
const dataDir = join(folder, 'data')
const random = createRandom(seed)
const host = new HostProcess(dataDir)
const ledger = new Ledger(join(folder, 'ledger.jsonl'))
const gate = new Gate()
const figures = new Figures()
const things = {
  functions: [new DeployedFunction('live-a', 'default'), new DeployedFunction('live-b', 'north')],
  migrated: new MigratedFunction('south'),
  secret: new Secret('north'),
}

const startedAt = performance.now()
let round = 0
const wrong = await run().catch((error) => [`the run itself failed: ${error.stack}`])
await host.end()
ledger.close()
printFigures(figures, ledger)
if (wrong.length === 0) {
  console.log(`verdict: ${round} rounds, nothing lost, nothing half, nothing left (seed ${seed})`)
} else {
  process.exitCode = 1
  console.log(host.lines.map((line) => `host: ${line}`).join('\n'))
  for (const one of wrong) console.log(`VIOLATION in round ${round} of seed ${seed}: ${one}`)
}
if (wrong.length > 0 && values.keep) console.log(`# kept: ${folder}`)
else await rm(folder, { recursive: true, force: true })

async function run() {
  await host.startFirst(random)
  const wrongAtStart = await setUp()
  if (wrongAtStart.length > 0) return wrongAtStart
  // Each has numbers of its own: who is struck in which round does not depend on how fast they are.
  const runs = [...Array.from({ length: writers }, () => writeRows), callPlain]
  for (const one of [...things.functions, things.migrated, things.secret]) runs.push((parts) => one.run(parts))
  const callers = runs.map((start, index) => start({ host, ledger, random: createRandom(seed + index + 1), gate }))
  try {
    for (round = 1; round <= rounds; round++) {
      const found = await playRound()
      if (found.length > 0) return found
      if (round % progressEvery === 0) console.log(`# ${round} of ${rounds} rounds, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
    }
    round = rounds
    return []
  } finally {
    gate.isOver = true
    await Promise.all(callers)
  }
}

async function setUp() {
  const answers = [await deploy(host.port, 'plain', { files: plainUpload })]
  for (const tenant of tenants) answers.push(await deploy(host.port, 'rows', { tenant, files: rowsUpload }))
  const { tenant, value } = things.secret
  answers.push(await ask(host.port, `/control/secret?tenant=${tenant}&name=WORD&value=${value.value}`))
  answers.push(await deploy(host.port, 'secret', { tenant, files: secretUpload }))
  return answers.filter(({ kind }) => kind !== 'done').map((answer) => `set-up failed: ${JSON.stringify(answer)}`)
}

async function playRound() {
  gate.open()
  await delay(random.between(loadMs.from, loadMs.to))
  const { killed, wrong: found, isOfHost, from, end } = await strike(host, random, only)
  if (found.length > 0) return found
  const readyAt = await waitUntilReady(from)
  if (readyAt === undefined) return [`after the end of ${killed.join(' and ')} nothing worked again within ${readyMs / 1000} s`]
  await gate.shut()
  const left = await end
  figures.note({ killed, readyMs: readyAt - from, left, pingMs: host.takeLongestPing(), isOfHost })
  if (host.isDead) return [`the host ended by itself after the end of ${killed.join(' and ')}`]
  const leftovers = left.processes.map(({ pid, command }) => `process ${pid} of a dead host was left: ${command.slice(0, 200)}`)
  const violations = leftovers.length > 0 ? leftovers : await checkAll({ dataDir, host, ledger, things })
  return violations.map((one) => `after the end of ${killed.join(' and ')}: ${one}`)
}

/** When a call that needs a sandbox, the database of its tenant and the store first succeeded. */
async function waitUntilReady(from) {
  while (performance.now() - from < readyMs) {
    const { kind } = await call(host.port, 'rows', { input: { act: 'read' } })
    if (kind === 'done') return performance.now()
    await delay(10)
  }
  return undefined
}

function wholeNumber(text, name) {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new TypeError(`Cannot use ${name} "${text}": expected a whole number`)
}
