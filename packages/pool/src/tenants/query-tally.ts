import type { TenantPoolStats, Times } from '@cordon/contracts'

/** Figures of queries since the start; what is noted for a tenant counts for all of them, too. */
export class QueryTally {
  readonly #all: QueryTally | undefined
  readonly #acquire = new Duration()
  readonly #query = new Duration()
  #cancelled = 0
  #terminated = 0

  constructor(all?: QueryTally) {
    this.#all = all
  }

  acquired(durationMs: number): void {
    this.#acquire.add(durationMs)
    this.#all?.acquired(durationMs)
  }

  queried(durationMs: number): void {
    this.#query.add(durationMs)
    this.#all?.queried(durationMs)
  }

  /** A statement was stopped: it obeyed the cancel, or its backend had to be terminated. */
  stopped(isTerminated: boolean): void {
    this.#cancelled++
    if (isTerminated) this.#terminated++
    this.#all?.stopped(isTerminated)
  }

  stats(): Omit<TenantPoolStats, 'total' | 'idle' | 'waiting'> {
    const query = this.#query.stats()
    return { queries: query.count, cancelled: this.#cancelled, terminated: this.#terminated, acquire: this.#acquire.stats(), query }
  }
}

class Duration {
  #count = 0
  #sumMs = 0
  #maxMs = 0

  add(durationMs: number): void {
    this.#count++
    this.#sumMs += durationMs
    if (durationMs > this.#maxMs) this.#maxMs = durationMs
  }

  stats(): Times {
    return { count: this.#count, meanMs: this.#count === 0 ? 0 : this.#sumMs / this.#count, maxMs: this.#maxMs }
  }
}
