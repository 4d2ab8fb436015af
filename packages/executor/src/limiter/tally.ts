import { Line } from './line.ts'

/** Counts things one by one and knows which has the most, each step in constant time. */
export class Tally<T> {
  readonly #counts = new Map<T, number>()
  /** Things by their count. */
  readonly #groups: (Line<T> | undefined)[] = []
  #most = 0

  count(thing: T): number {
    return this.#counts.get(thing) ?? 0
  }

  /** The one that has the most, among equals the one that got there last; `undefined` when nothing is counted. */
  get most(): T | undefined {
    return this.#groups[this.#most]?.last
  }

  add(thing: T): void {
    const count = this.count(thing)
    this.#move(thing, count, count + 1)
    if (count + 1 > this.#most) this.#most = count + 1
  }

  remove(thing: T): void {
    const count = this.count(thing)
    if (count === 0) return
    this.#move(thing, count, count - 1)
    // A group that is empty now was left downwards, by the only one with the most.
    if (this.#most > 0 && this.#groups[this.#most] === undefined) this.#most--
  }

  #move(thing: T, from: number, to: number): void {
    const left = this.#groups[from]
    left?.delete(thing)
    if (left?.length === 0) this.#groups[from] = undefined
    if (to === 0) return void this.#counts.delete(thing)
    this.#counts.set(thing, to)
    const group = (this.#groups[to] ??= new Line())
    group.push(thing)
  }
}
