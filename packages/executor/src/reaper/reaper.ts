import { EventEmitter } from 'node:events'
import type { Reaper } from '@cordon/contracts'
import type { SpawnCommand } from '../hardening/hardening.ts'
import { startProcess } from '../hardening/start-process.ts'
import type { ProcessEvents, SandboxProcess } from '../sandbox/sandbox-process.ts'
import { Helper } from './helper.ts'
import type { WatchMessage } from './messages.ts'
import { startTimeOf } from './proc.ts'

/** A reaper that starts the processes of sandboxes, too, so that they are its own from their first moment. */
export interface ProcessReaper extends Reaper {
  /** Gets ready for `start`, which takes as long as a start of Node. */
  prepare(): void
  /** Starts a process that dies with the host. `command` is told the number of the process that will be its parent. */
  start(command: (parent: number) => SpawnCommand): SandboxProcess
}

/**
 * Starts a helper process that shares a channel with the host. When the host dies in any way, the kernel closes the host's end
 * and the helper kills what it has started and what was registered. It is started when it is first needed.
 */
export function createReaper(options: ReaperOptions = {}): ProcessReaper {
  return new HelpedReaper(options.temporary)
}

/** Options of `createReaper`. */
export interface ReaperOptions {
  /** Directory of a host that is thrown away: it goes when the host ends, in whatever way, and sandboxes do not keep the host alive. @default none */
  readonly temporary?: string | undefined
}

/** A helper that dies at once is not started for ever when nothing but a registration asks for it. */
const maxRestarts = 20
/** Where Node can send pipes to other processes; and only where a start copies the host is there a reason to. */
const canStart = process.platform !== 'win32'

class HelpedReaper implements ProcessReaper {
  readonly #watched = new Map<number, WatchMessage>()
  readonly #temporary: string | undefined
  #helper: Helper | undefined
  #restarts = 0
  #isClosed = false

  constructor(temporary: string | undefined) {
    this.#temporary = temporary
  }

  watch(pid: number, signal: 'SIGKILL' | 'SIGQUIT' = 'SIGKILL'): void {
    const message: WatchMessage = { kind: 'watch', pid, startTime: startTimeOf(pid), signal }
    this.#watched.set(pid, message)
    if (this.#helper === undefined) this.#tryReady()
    else this.#helper.send(message)
  }

  unwatch(pid: number): void {
    if (this.#watched.delete(pid)) this.#helper?.send({ kind: 'unwatch', pid })
  }

  prepare(): void {
    if (canStart) this.#tryReady()
  }

  start(command: (parent: number) => SpawnCommand): SandboxProcess {
    if (!canStart) return this.#startHere(command(process.pid))
    try {
      if (this.#isClosed) throw new Error('the platform is closed')
      return this.#ready().start(command)
    } catch (error) {
      return failedProcess(error)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const helper = this.#helper
    this.#helper = undefined
    await helper?.close()
  }

  #startHere(command: SpawnCommand): SandboxProcess {
    const started = startProcess(command)
    started.events.once('start', (_channel, pid) => {
      if (pid === undefined) return
      this.watch(pid)
      started.events.once('exit', () => this.unwatch(pid))
    })
    return started
  }

  #tryReady(): void {
    try {
      if (!this.#isClosed) this.#ready()
    } catch {
      // Refused by the system, which may be over the next time.
    }
  }

  #ready(): Helper {
    if (this.#helper !== undefined) return this.#helper
    const helper = new Helper(() => this.#ended(helper), this.#temporary !== undefined)
    this.#helper = helper
    if (this.#temporary !== undefined) helper.send({ kind: 'remove', directory: this.#temporary })
    for (const message of this.#watched.values()) helper.send(message)
    return helper
  }

  #ended(helper: Helper): void {
    if (this.#helper !== helper) return
    this.#helper = undefined
    // One that was refused is tried again with the next registration or start.
    if (helper.pid !== undefined && this.#watched.size > 0 && ++this.#restarts <= maxRestarts) this.#tryReady()
  }
}

/** Stands for a process that could not be started, in the form of one that says so a moment later. */
function failedProcess(error: unknown): SandboxProcess {
  const events = new EventEmitter<ProcessEvents>()
  process.nextTick(() => events.emit('fail', error instanceof Error ? error : new Error(String(error))))
  return { events, printed: '', kill: () => undefined }
}
