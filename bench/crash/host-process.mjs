import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ask } from './client.mjs'
import { familyOf, isAlive } from './processes.mjs'

const program = fileURLToPath(new URL('host.mjs', import.meta.url))
/** Between two questions whether the host still answers, in milliseconds. */
const pingMs = 100
/** Lines of the host's standard error that are kept for the report of a violation. */
const keptLines = 40
/** Longest start; a database that was killed needs a second or two. In milliseconds. */
const startMs = 60_000
/** When the first host of all is killed, in milliseconds: making a database takes about half a second. */
const firstStartMs = { from: 50, to: 1000 }
/** How long processes of a dead host are looked for, in milliseconds. */
export const lookMs = 5000

/** The host process of a run: started, watched and killed from outside. */
export class HostProcess {
  /** Last lines that hosts wrote to their standard error. */
  lines = []
  /** Longest wait for an answer to a ping since it was last asked for, in milliseconds. */
  #longestPingMs = 0
  #dataDir
  #child
  #port

  constructor(dataDir) {
    this.#dataDir = dataDir
  }

  get pid() {
    return this.#child.pid
  }

  get port() {
    return this.#port
  }

  get isDead() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Resolves with whether the host came up; where it does not, its last lines say why. */
  start() {
    const child = spawn(process.execPath, [program, this.#dataDir], { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.on('error', () => {})
    createInterface(child.stderr).on('line', (line) => (this.lines = [...this.lines.slice(1 - keptLines), line]))
    this.#child = child
    return this.#waitUntilUp(child)
  }

  async #waitUntilUp(child) {
    const given = new AbortController()
    try {
      const lines = createInterface(child.stdout)
      const line = await Promise.race([
        once(lines, 'line', { signal: given.signal }),
        once(child, 'exit', { signal: given.signal }).then(() => undefined),
        delay(startMs, undefined, { signal: given.signal }),
      ])
      if (line === undefined) return false
      this.#port = JSON.parse(line[0]).port
      void this.#ping(child)
      return true
    } finally {
      given.abort()
    }
  }

  async #ping(child) {
    const isCurrent = () => this.#child === child && !this.isDead
    while (isCurrent()) {
      const from = performance.now()
      const { kind } = await ask(this.#port, '/control/ping')
      if (isCurrent() && kind === 'done') this.#longestPingMs = Math.max(this.#longestPingMs, performance.now() - from)
      await delay(pingMs)
    }
  }

  /** The longest ping since the last time this was asked. */
  takeLongestPing() {
    const longest = this.#longestPingMs
    this.#longestPingMs = 0
    return longest
  }

  /** Kills the host and, at the same moment, `others`; gives what was below it. It is stopped first, so that nothing is started behind this list. */
  async kill(others = []) {
    const exit = this.isDead ? undefined : once(this.#child, 'exit')
    send(this.pid, 'SIGSTOP')
    const family = familyOf(this.pid).filter(({ pid }) => pid !== this.pid)
    send(this.pid, 'SIGKILL')
    for (const { pid } of others) send(pid, 'SIGKILL')
    await exit
    return family
  }

  /** The very first start, killed at a random moment of making the database, and the second one. */
  async startFirst(random) {
    void this.start()
    await delay(random.between(firstStartMs.from, firstStartMs.to))
    await this.kill()
    if (!(await this.start())) throw new Error('a host that was killed while it made its database did not start again')
  }

  /** Asks it to close; it may be killed meanwhile. */
  async close() {
    await ask(this.#port, '/control/close')
  }

  /** Closes it and waits for its end. */
  async end() {
    if (this.#child === undefined || this.isDead) return
    const exit = once(this.#child, 'exit')
    await this.close()
    this.#child.stdin.end()
    await exit
  }
}

/** Sends a signal to a process that may be gone. */
export function send(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already.
  }
}

/** Waits until none of these processes lives; gives the time that took in milliseconds, and who is still left after `longestMs`. */
export async function waitForEnd(family, from, longestMs) {
  for (;;) {
    const left = family.filter(isAlive)
    const tookMs = performance.now() - from
    if (left.length === 0 || tookMs > longestMs) return { left, tookMs }
    await delay(10)
  }
}
