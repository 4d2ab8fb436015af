import { EventEmitter } from 'node:events'
import { Socket, type SocketConstructorOpts } from 'node:net'
import type { ProcessEvents, SandboxProcess } from '../sandbox/sandbox-process.ts'
import type { Ended } from './messages.ts'
import { isSame } from './proc.ts'

/** A reaper that has not confirmed a kill by then hangs, and goes itself: ending a process takes 2 to 15 ms. In milliseconds. */
const answerMs = 10_000

/** What the process of a sandbox asks of who started it. */
export interface ProcessStarter {
  /** Ends the process. */
  kill(): void
  /** It does not answer. */
  hangs(): void
  /** Its processes do not keep the host alive. */
  readonly isTemporary: boolean
}

/** The host's end of a process that a reaper starts. */
export class ReapedProcess implements SandboxProcess {
  readonly events = new EventEmitter<ProcessEvents>()
  printed = ''
  readonly #starter: ProcessStarter
  #channel: Socket | undefined
  #found: { readonly pid: number; readonly startTime: string } | undefined
  #patience: NodeJS.Timeout | undefined
  #isOver = false

  constructor(starter: ProcessStarter) {
    this.#starter = starter
  }

  started(pid: number, startTime: string, handle: unknown): void {
    this.#found = { pid, startTime }
    // Without a free descriptor here the kernel drops the channel; the process then ends by itself.
    if (handle === undefined) return
    this.#channel = new Socket(onHandle(handle))
    if (this.#starter.isTemporary) this.#channel.unref()
    this.events.emit('start', this.#channel, pid)
  }

  ended({ exitCode, signal, printed }: Ended): void {
    this.printed = printed
    const channel = this.#channel
    if (channel === undefined) return this.fail(Object.assign(new Error('its channel could not be received'), { code: 'EMFILE' }))
    this.#over()
    this.events.emit('exit', exitCode, signal)
    if (channel.closed) this.events.emit('close', exitCode, signal)
    else channel.once('close', () => this.events.emit('close', exitCode, signal))
  }

  /** It could not be started, or its reaper is gone and nobody will tell how it ends. */
  fail(error: Error): void {
    this.#over()
    if (this.#found !== undefined) killGroup(this.#found)
    this.events.emit('fail', error)
  }

  kill(): void {
    if (this.#isOver) return
    this.#starter.kill()
    // By way of an immediate: after a standstill of the host its answer is read first.
    this.#patience ??= setTimeout(() => setImmediate(() => this.#isOver || this.#starter.hangs()), answerMs).unref()
  }

  #over(): void {
    this.#isOver = true
    clearTimeout(this.#patience)
  }
}

/** Options of a socket that takes over a handle, which Node's types do not know. */
function onHandle(handle: unknown): SocketConstructorOpts {
  const options = { handle, readable: true, writable: true }
  return options
}

/** A process whose parent is gone: its number may be somebody else's by now. */
function killGroup({ pid, startTime }: { readonly pid: number; readonly startTime: string }): void {
  if (!isSame(pid, startTime)) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}
