/** Something that has to be over at a point in time. */
export interface Deadline {
  /** On the clock of `performance.now()`. */
  readonly dueAt: number
  expire(): void
}

/** A timer that is this late, in milliseconds, says that the host itself stood still: blocked, stopped or suspended. */
const standstillMs = 50
/** What was due during a standstill gets as much time again to hand over what it has, at most this long, in milliseconds. */
const maxGraceMs = 5000

/**
 * All deadlines of an executor on one timer, which is only set when an earlier one is added: a call that ends in time
 * costs an entry in a set and no timer.
 *
 * A host that stood still must not take what was finished in the meantime for overdue. So nothing expires before the sockets
 * had a turn of the event loop, and after a standstill not before a grace: a result may be larger than what fits into a pipe.
 */
export class Deadlines {
  readonly #entries = new Set<Deadline>()
  /** Entries that were due during a standstill, and when their grace ends. */
  readonly #graces = new Map<Deadline, number>()
  #timer: NodeJS.Timeout | undefined
  #turn: NodeJS.Immediate | undefined
  #timerAt = Infinity

  add(deadline: Deadline): void {
    this.#entries.add(deadline)
    if (deadline.dueAt < this.#timerAt) this.#arm(deadline.dueAt)
  }

  delete(deadline: Deadline): void {
    this.#entries.delete(deadline)
    if (this.#graces.size > 0) this.#graces.delete(deadline)
  }

  close(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#turn)
    this.#timerAt = -Infinity
    this.#entries.clear()
    this.#graces.clear()
  }

  #arm(at: number): void {
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(() => this.#ring(), Math.max(0, Math.ceil(at - performance.now())))
    // What is waited for keeps the process alive by its own sockets.
    this.#timer.unref()
  }

  #ring(): void {
    const now = performance.now()
    const lateMs = now - this.#timerAt
    if (lateMs >= standstillMs) this.#grantGraces(now, Math.min(lateMs, maxGraceMs))
    // Timers run before sockets are read; an immediate runs after that.
    this.#turn = setImmediate(() => this.#sweep())
  }

  #grantGraces(now: number, graceMs: number): void {
    for (const entry of this.#entries) {
      // Once each: on a host that is always late, deadlines would never end otherwise.
      if (entry.dueAt <= now && !this.#graces.has(entry)) this.#graces.set(entry, now + graceMs)
    }
  }

  #sweep(): void {
    this.#timerAt = Infinity
    const now = performance.now()
    let next = Infinity
    for (const entry of this.#entries) {
      const dueAt = this.#graces.get(entry) ?? entry.dueAt
      if (dueAt <= now) {
        this.delete(entry)
        entry.expire()
      } else if (dueAt < next) {
        next = dueAt
      }
    }
    if (next < this.#timerAt) this.#arm(next)
  }
}
