/** Something that has to be over at a point in time. */
export interface Deadline {
  /** On the clock of `performance.now()`. */
  readonly dueAt: number
  expire(): void
}

/**
 * All deadlines of an executor on one timer, which is only set when an earlier one is added: a call that ends in time
 * costs an entry in a set and no timer.
 */
export class Deadlines {
  readonly #entries = new Set<Deadline>()
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity

  add(deadline: Deadline): void {
    this.#entries.add(deadline)
    if (deadline.dueAt < this.#timerAt) this.#arm(deadline.dueAt)
  }

  delete(deadline: Deadline): void {
    this.#entries.delete(deadline)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timerAt = -Infinity
    this.#entries.clear()
  }

  #arm(at: number): void {
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(() => this.#sweep(), Math.max(0, Math.ceil(at - performance.now())))
    // What is waited for keeps the process alive by its own sockets.
    this.#timer.unref()
  }

  #sweep(): void {
    this.#timerAt = Infinity
    const now = performance.now()
    let next = Infinity
    for (const entry of this.#entries) {
      if (entry.dueAt <= now) {
        this.#entries.delete(entry)
        entry.expire()
      } else if (entry.dueAt < next) {
        next = entry.dueAt
      }
    }
    if (next < this.#timerAt) this.#arm(next)
  }
}
