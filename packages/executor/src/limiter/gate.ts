import { PlatformError, type Limits } from '@cordon/contracts'
import type { Call } from '../sandbox/call.ts'

/** How long a rejected caller should wait when nothing is known about the pace of the function, in milliseconds. */
const fallbackRetryMs = 1000

/** Concurrency of one function: so many calls run, so many wait in order, the rest is refused at once. */
export class Gate {
  running = 0
  /** Version pools that use it. */
  users = 0
  #queue: Call[] = []
  #queueStart = 0
  #averageMs = 0

  get queued(): number {
    return this.#queue.length - this.#queueStart
  }

  /** Takes a place; `false` when all are taken. */
  enter(limits: Limits): boolean {
    if (this.running >= limits.concurrency) return false
    this.running++
    return true
  }

  /** Lets a call wait; the error when the queue is full. */
  wait(call: Call): PlatformError | undefined {
    const { limits } = call.version
    if (this.queued >= limits.queueLength) return this.overloaded(call, `${this.queued} calls wait already`)
    this.#queue.push(call)
    return undefined
  }

  /** A call is over; the one that may take its place. */
  leave(call: Call): Call | undefined {
    this.running--
    if (call.dispatchedAt > 0) this.#averageMs += (performance.now() - call.dispatchedAt - this.#averageMs) / 8
    for (;;) {
      const next = this.#queue[this.#queueStart]
      if (next === undefined) return undefined
      // Calls that were cancelled or gave up stay in the list until they are reached.
      if (next.place === 'queued' && !this.enter(next.version.limits)) return undefined
      this.#queueStart++
      if (this.#queueStart > 64 && this.#queueStart * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#queueStart)
        this.#queueStart = 0
      }
      if (next.place === 'queued') return next
    }
  }

  /** A waiting call gave up: the others move up at once, so that the length is true. */
  forget(call: Call): void {
    this.#queue = this.#queue.slice(this.#queueStart).filter((one) => one !== call)
    this.#queueStart = 0
  }

  /** All waiting calls, which do not wait any more. */
  drain(): Call[] {
    const calls = this.#queue.slice(this.#queueStart)
    this.#queue = []
    this.#queueStart = 0
    return calls
  }

  /** The refusal of a call, with the time after which a place is likely free. */
  overloaded(call: Call, reason: string): PlatformError {
    const { concurrency } = call.version.limits
    const retryAfterMs = this.#averageMs === 0 ? fallbackRetryMs : Math.ceil((this.#averageMs * (this.queued + 1)) / concurrency)
    return new PlatformError('OVERLOADED', `Cannot run the function "${call.version.function}" now: ${reason}`, {
      details: { scope: 'function', retryAfterMs, running: this.running, queued: this.queued, concurrency },
    })
  }
}
