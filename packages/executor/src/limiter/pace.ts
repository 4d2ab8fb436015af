/** How long a refused caller should wait when nothing is known about the pace, in milliseconds. */
const fallbackMs = 1000
/** Weight of the newest time in the average. */
const weight = 1 / 8

/** A moving average of times in milliseconds, from which refused callers are told when to come back. */
export class Pace {
  #averageMs = 0

  add(ms: number): void {
    this.#averageMs += this.#averageMs === 0 ? ms : (ms - this.#averageMs) * weight
  }

  /** Time until `turns` of them have passed, in whole milliseconds and never 0. */
  after(turns: number): number {
    return this.#averageMs === 0 ? fallbackMs : Math.max(1, Math.ceil(this.#averageMs * turns))
  }
}
