/** One round's kill: whom, how, and what becomes of the host. */
import { setTimeout as delay } from 'node:timers/promises'
import { lookMs, send, waitForEnd } from './host-process.mjs'
import { victimsBelow } from './processes.mjs'

/** Whom a round may strike, each as often as the others. */
export const roles = [
  'host',
  'host that starts',
  'host that closes',
  'postmaster',
  'tenant backend',
  'store backend',
  'other process of the database',
  'sandbox',
  'reaper',
  'analyzer',
  'bundler',
]
/** How often two are struck at once. */
const twoAtOnce = 0.25
/** How long a host may start or close before it is killed in the middle, in milliseconds. */
const startingMs = { from: 5, to: 1200 }
const closingMs = { from: 0, to: 150 }
/** How often the next host is only started when everything of the old one should be gone, and after how long, in milliseconds. */
const lateStart = { chance: 0.5, ms: 1000 }

/**
 * How long processes of a dead host are looked for whose reaper died with it, in milliseconds: the next host stops the database, and an analyzer
 * process ends itself when it has done what it was doing.
 */
const lookAloneMs = 30_000

/**
 * Kills. Gives what was killed, violations, whether the host was, the moment of the (last) kill, and `end`, a promise of what was left of the old
 * host. When the host died a new one is up, or `wrong` says that it did not start. `only`: whom, instead of leaving that to chance.
 */
export async function strike(host, random, only) {
  const wanted = only ?? choose(random)
  const [role] = wanted
  const below = victimsBelow(host.pid)
  const victims = wanted.flatMap((one) => (below.has(one) ? [{ role: one, process: random.of(below.get(one)) }] : []))
  const killed = wanted.filter((one) => one.startsWith('host') || below.has(one))
  // It is not there at this moment (no spare, no analysis yet): something that always is.
  if (killed.length === 0) return strikeHost(host, random, { killed: ['host'], role: 'host', victims: [] })
  if (role.startsWith('host')) return strikeHost(host, random, { killed, role, victims })
  const from = performance.now()
  for (const { process: one } of victims) send(one.pid, 'SIGKILL')
  return { killed, wrong: [], isOfHost: false, from, end: { processes: [], tookMs: 0, isReaperGone: false } }
}

function choose(random) {
  const role = random.of(roles)
  const others = roles.filter((one) => one !== role && !one.startsWith('host'))
  return random.chance(twoAtOnce) ? [role, random.of(others)] : [role]
}

async function strikeHost(host, random, { killed, role, victims }) {
  let families = []
  if (role === 'host that closes') {
    void host.close()
    await delay(random.between(closingMs.from, closingMs.to))
  }
  families = families.concat(await host.kill(victims.map(({ process: one }) => one)))
  let from = performance.now()
  if (role === 'host that starts') {
    void host.start()
    await delay(random.between(startingMs.from, startingMs.to))
    families = families.concat(await host.kill())
    from = performance.now()
  }
  // Whoever stops what a dead host left behind was killed with it: the next host does.
  const isReaperGone = victims.some((one) => one.role === 'reaper')
  const isLate = !isReaperGone && random.chance(lateStart.chance)
  let end = isReaperGone ? undefined : waitForEnd(families, from, lookMs)
  if (isLate) {
    await delay(lateStart.ms)
    from = performance.now()
  }
  const isUp = await host.start()
  end ??= waitForEnd(families, performance.now(), lookAloneMs)
  const wrong = isUp ? [] : [`after the end of ${killed.join(' and ')} the next host did not start`]
  return { killed, wrong, isOfHost: true, from, end: end.then(({ left, tookMs }) => ({ processes: left, tookMs, isReaperGone })) }
}
