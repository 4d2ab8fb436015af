import type { PlatformError, Capabilities, ExecutableVersion, InvocationOptions, Measures, Outcome } from '@cordon/contracts'
import { unwatchAbort, watchAbort } from './abort-watch.ts'
import type { Deadline } from './deadlines.ts'
import { LogBuffer } from './log-buffer.ts'
import type { Sandbox } from './sandbox.ts'

/** Where a call is: waiting for its function's limit, for a sandbox, running, or over. */
export type CallPlace = 'queued' | 'waiting' | 'running' | 'over'

/** What an executor does about its calls. */
export interface CallOwner {
  /** The caller gave up. */
  cancelled(call: Call): void
  /** A call that does not run yet has waited too long. */
  overdue(call: Call): void
}

/** One invocation on the host side, from acceptance to outcome. Also the entry in the table of deadlines. */
export abstract class Call implements Deadline {
  abstract readonly kind: 'json' | 'http'
  readonly version: ExecutableVersion
  readonly timeoutMs: number
  /** Longest wait for a place or a sandbox. */
  readonly queueMs: number
  readonly capabilities: Capabilities
  readonly invocationId: string
  readonly logs: LogBuffer
  readonly acceptedAt = performance.now()
  protected readonly owner: CallOwner
  place: CallPlace = 'queued'
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: (() => void) | undefined
  /** Set while it runs in a sandbox. */
  sandbox: Sandbox | undefined
  /** Number of the call inside its sandbox. */
  id = 0
  dispatchedAt = 0
  dueAt = 0
  bootMs = 0
  loadMs = 0
  isCold = false
  /**
   * CPU time of the sandbox process during the call, all threads: read from /proc for calls longer than 25 ms, in steps of
   * 10 ms (see `cpu-time.ts`); reported by the runtime, within the wall time on all cores, for shorter ones. 0 for a short call that
   * ended with its process.
   */
  cpuMs = 0
  /** CPU time of the process when the call started, in milliseconds; negative when it was not looked at. */
  cpuFromMs = -1
  hostCalls = 0
  hostCallBytes = 0
  /** Failures that host calls ended with, by number: what the function may rethrow. */
  hostErrors: Map<number, PlatformError> | undefined
  isSettled = false
  /** Whether its first sandbox ended before it could begin there. */
  isSecondTry = false
  /** Whether a sandbox has said anything about it. */
  hasBegun = false

  constructor(version: ExecutableVersion, invocation: InvocationOptions, owner: CallOwner) {
    this.version = version
    this.owner = owner
    this.invocationId = invocation.invocationId
    this.capabilities = invocation.capabilities
    const { timeoutMs, queueMs } = version.limits
    this.timeoutMs = invocation.timeoutMs === undefined ? timeoutMs : Math.min(timeoutMs, invocation.timeoutMs)
    this.queueMs = invocation.queueMs === undefined ? queueMs : Math.min(queueMs, invocation.queueMs)
    this.logs = new LogBuffer(version.limits.logBytes)
    if (invocation.signal !== undefined) {
      this.#signal = invocation.signal
      this.#onAbort = () => owner.cancelled(this)
      watchAbort(invocation.signal, this.#onAbort)
    }
  }

  /** Whether everything it was started with is still there, so that it can be started again. */
  abstract readonly isRepeatable: boolean
  /** Sends the call to its sandbox. */
  abstract start(sandbox: Sandbox, deadline: number): void
  /** Hands the outcome to whoever waits for it. */
  protected abstract deliver(outcome: Outcome): void

  /** The sandbox it was sent to ended before it could begin there. */
  notBegun(): void {
    this.isSecondTry = true
    this.sandbox = undefined
    this.dispatchedAt = 0
    this.cpuMs = 0
    this.cpuFromMs = -1
  }

  /** Its time is over: in the queue, or while it ran. */
  expire(): void {
    if (this.sandbox === undefined) this.owner.overdue(this)
    else this.sandbox.timeOut(this)
  }

  succeed(outputJson: string | undefined): void {
    this.#settle(() => ({ kind: 'success', outputJson, ...this.#base() }))
  }

  fail(error: PlatformError): void {
    this.#settle(() => ({ kind: 'failure', error, ...this.#base() }))
  }

  #settle(outcome: () => Outcome): void {
    if (this.isSettled) return
    this.isSettled = true
    if (this.#signal !== undefined && this.#onAbort !== undefined) unwatchAbort(this.#signal, this.#onAbort)
    this.deliver(outcome())
    // The capabilities report their own troubles; an outcome is not changed by them.
    this.capabilities.end().catch(() => undefined)
  }

  #base(): Measures & { logs: ReturnType<LogBuffer['entries']>; droppedLogBytes: number } {
    const now = performance.now()
    const isDispatched = this.dispatchedAt > 0
    const durationMs = isDispatched ? now - this.dispatchedAt : 0
    const waitedMs = (isDispatched ? this.dispatchedAt : now) - this.acceptedAt
    return {
      queueMs: wholeMicros(Math.max(0, waitedMs - this.bootMs - this.loadMs)),
      bootMs: wholeMicros(this.bootMs),
      loadMs: wholeMicros(this.loadMs),
      durationMs: wholeMicros(durationMs),
      cpuMs: wholeMicros(this.cpuMs),
      peakMemoryMb: this.sandbox?.peakMb ?? 0,
      coldStart: this.isCold,
      logs: this.logs.entries(),
      droppedLogBytes: this.logs.droppedBytes,
    }
  }
}

/** A time in milliseconds without what the clock does not know. */
function wholeMicros(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
