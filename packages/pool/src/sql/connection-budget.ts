/** A pool that can do without an idle connection. */
export interface Evictable {
  /** Connections that are open or being opened. */
  readonly size: number
  /** Begins to close an idle connection; false when it has none. */
  closeIdle(): boolean
}

/**
 * Connections that many pools share. Who wants one more than there may be waits in line, and an idle connection of the pool that
 * was used longest ago is closed to make room.
 */
export class ConnectionBudget {
  readonly #max: number
  readonly #waiting: (() => void)[] = []
  /** Least recently used first. */
  readonly #pools = new Set<Evictable>()
  #open = 0
  /** Idle connections that are being closed for somebody in the line. */
  #closing = 0
  #evicted = 0

  constructor(max: number) {
    this.#max = max
  }

  get max(): number {
    return this.#max
  }

  get isFull(): boolean {
    return this.#open >= this.#max
  }

  /** Connections that were closed to make room for others. */
  get evicted(): number {
    return this.#evicted
  }

  /** The pool is used now: it becomes the last to lose a connection. */
  touch(pool: Evictable): void {
    this.#pools.delete(pool)
    this.#pools.add(pool)
  }

  /** Resolves when one more connection may be opened. */
  async take(): Promise<void> {
    if (this.#open < this.#max) {
      this.#open++
      return
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
      this.makeRoom()
    })
  }

  /** A connection is gone. */
  give(): void {
    if (this.#closing > 0) this.#closing--
    const next = this.#waiting.shift()
    if (next === undefined) this.#open--
    else next()
  }

  /** Closes an idle connection for whoever is in line; called also when one becomes idle. */
  makeRoom(): void {
    if (this.#waiting.length <= this.#closing) return
    for (const pool of this.#pools) {
      if (pool.size === 0) this.#pools.delete(pool)
      else if (pool.closeIdle()) {
        this.#closing++
        this.#evicted++
        return
      }
    }
  }
}
