import type { PlatformError } from '@cordon/contracts'
import { Sandbox, type Death, type SandboxOwner } from '../sandbox/sandbox.ts'
import type { Isolation } from '../sandbox/sandbox-process.ts'
import { BackOff } from './back-off.ts'

/** Longest pause in milliseconds: whatever the machine is short of may be there again at any moment, and calls wait for it. */
const maxPauseMs = 250

/** What starting processes needs. Times in milliseconds. */
export interface BootOptions {
  readonly spawn: Isolation['spawn']
  readonly bootTimeoutMs: number
  readonly onWarning: ((message: string, error: PlatformError) => void) | undefined
}

/** A process that boots; the promise settles with that. */
export interface Booting {
  readonly sandbox: Sandbox
  readonly ready: Promise<void>
}

/** Starts the processes of sandboxes. A machine that cannot start any must not be kept busy trying. */
export class Boots {
  readonly backOff = new BackOff(maxPauseMs)
  readonly #options: BootOptions
  #timer: NodeJS.Timeout | undefined

  constructor(options: BootOptions) {
    this.#options = options
  }

  /** Starts a process; the promise settles with its boot. */
  start(memoryMb: number, owner: SandboxOwner): Booting {
    const sandbox = new Sandbox(this.#options.spawn(memoryMb), memoryMb, owner)
    sandbox.startedAt = performance.now()
    const ready = sandbox.boot(this.#options.bootTimeoutMs)
    ready.then(
      () => this.backOff.succeed(),
      // Its death is what counts.
      () => undefined,
    )
    return { sandbox, ready }
  }

  /** False while starts fail one after the other. Failures that nobody repeats say nothing after a minute. */
  get canStart(): boolean {
    return !this.backOff.isActive || this.backOff.isForgotten
  }

  /** Whether starts pause, for no longer than `maxMs`; `then` is called when they go on. */
  isPaused(maxMs: number, then: () => void): boolean {
    const { pauseMs } = this.backOff
    if (pauseMs === 0 || pauseMs > maxMs) return false
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      then()
    }, pauseMs)
    return true
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  /** A process is gone. */
  died(sandbox: Sandbox, death: Death): void {
    // One that was let go before it was up did not fail.
    if (sandbox.isBooted || death.code === 'CLOSED') return
    const error = sandbox.deathError()
    if (this.backOff.fail(error, sandbox.startedAt)) this.#options.onWarning?.('Sandboxes cannot be started: further tries are spaced out', error)
  }
}
