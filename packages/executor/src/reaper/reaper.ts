import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Reaper } from '@cordon/contracts'

/**
 * Starts a helper process that holds one end of a pipe. When the host dies in any way, the kernel closes the other end
 * and the helper kills what was registered. It is started with the first registration.
 */
export function createReaper(): Reaper {
  return new PipeReaper()
}

const program = fileURLToPath(new URL('./reaper-process.js', import.meta.url))
/** A helper that dies at once is not started for ever. */
const maxRestarts = 20

class PipeReaper implements Reaper {
  readonly #watched = new Map<number, string>()
  #helper: ChildProcess | undefined
  #restarts = 0
  #isClosed = false

  watch(pid: number, signal: 'SIGKILL' | 'SIGQUIT' = 'SIGKILL'): void {
    const line = `+ ${pid} ${startTime(pid)} ${signal}\n`
    this.#watched.set(pid, line)
    if (this.#helper === undefined) this.#start()
    else this.#helper.stdin?.write(line)
  }

  unwatch(pid: number): void {
    if (this.#watched.delete(pid)) this.#helper?.stdin?.write(`- ${pid}\n`)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const helper = this.#helper
    this.#helper = undefined
    if (helper?.pid === undefined || helper.exitCode !== null || helper.signalCode !== null) return
    await new Promise<void>((resolve) => {
      helper.once('exit', () => resolve())
      helper.ref()
      // It would take the end of the pipe for the death of the host.
      helper.stdin?.end('close\n')
    })
  }

  #start(): void {
    if (this.#isClosed || this.#restarts >= maxRestarts) return
    const helper = startHelper()
    if (helper === undefined) return
    this.#helper = helper
    helper.unref()
    helper.stdin?.on('error', () => undefined)
    // An open pipe alone is no reason for the host to stay.
    if (helper.stdin && 'unref' in helper.stdin && typeof helper.stdin.unref === 'function') helper.stdin.unref()
    for (const line of this.#watched.values()) helper.stdin?.write(line)
    // Refused by the system: tried again with the next registration, when that may be over.
    helper.once('error', () => this.#helper === helper && (this.#helper = undefined))
    helper.once('exit', () => {
      if (this.#helper !== helper) return
      this.#helper = undefined
      this.#restarts++
      if (this.#watched.size > 0) this.#start()
    })
  }
}

/** `undefined` when the system does not even try, which may be over later. */
function startHelper(): ChildProcess | undefined {
  try {
    return spawn(process.execPath, ['--max-old-space-size=16', '--max-semi-space-size=1', program], {
      cwd: '/',
      env: { OPENSSL_CONF: '/dev/null' },
      // Its own session: a Ctrl-C or a kill of the host's group must not take it along.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      windowsHide: true,
    })
  } catch {
    return undefined
  }
}

/** Start time of a process in ticks since boot, so that a number that was given to another process is recognised; `?` where there is no /proc. */
function startTime(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '?'
  } catch {
    return '?'
  }
}
