import type { PlatformError } from '@cordon/contracts'
import type { Limiter } from '../limiter/limiter.ts'
import type { Call } from '../sandbox/call.ts'
import type { Deadlines } from '../sandbox/deadlines.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Start } from './start.ts'
import type { VersionPool } from './version-pool.ts'

/** What becomes of calls that were let in. */
export interface FleetOwner {
  /** A call that was let in is over. */
  left(call: Call, pool: VersionPool): void
  /** A call that was let in could not begin in the sandbox it was given, and needs another. */
  unstarted(call: Call, pool: VersionPool): void
}

/** The calls that were let in and wait for a sandbox, in the lines of their versions: what comes with a place in line, and with losing it. */
export class WaitingCalls {
  readonly #limiter: Limiter
  readonly #deadlines: Deadlines
  readonly #owner: FleetOwner

  constructor(limiter: Limiter, deadlines: Deadlines, owner: FleetOwner) {
    this.#limiter = limiter
    this.#deadlines = deadlines
    this.#owner = owner
  }

  /** Lets a call wait; it has a place in the waiting room. */
  add(call: Call, pool: VersionPool): void {
    call.place = 'waiting'
    pool.lineOf(call).push(call)
    call.dueAt = call.acceptedAt + call.queueMs
    this.#deadlines.add(call)
  }

  /** Takes the call out of its line that a sandbox runs next. */
  next(pool: VersionPool, sandbox: Sandbox): Call | undefined {
    const call = this.#leave(pool, sandbox)
    if (call !== undefined) this.#limiter.room.pace.add(performance.now() - call.acceptedAt)
    return call
  }

  /** Ends the first calls in line, as many as `count`, after the start they waited for. */
  fail(pool: VersionPool, error: PlatformError, count: number, start?: Start): void {
    // Only those that wait now: the end of one may let others in.
    for (let left = Math.min(count, pool.waiting); left > 0; left--) {
      const call = this.#leave(pool)
      if (call === undefined) return
      call.place = 'over'
      start?.measure(call)
      this.#owner.left(call, pool)
      call.fail(error)
    }
  }

  #leave(pool: VersionPool, sandbox?: Sandbox): Call | undefined {
    const call = pool.shift(sandbox)
    if (call === undefined) return undefined
    this.#limiter.room.leave(pool.gate)
    this.#deadlines.delete(call)
    return call
  }
}
