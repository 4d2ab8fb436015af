interface Place<T> {
  readonly item: T
  before: Place<T> | undefined
  after: Place<T> | undefined
}

/** A line: first come, first served. Joining it, being served and leaving it from the middle all take constant time. */
export class Line<T> {
  readonly #places = new Map<T, Place<T>>()
  #first: Place<T> | undefined
  #last: Place<T> | undefined

  get length(): number {
    return this.#places.size
  }

  /** Who came first. */
  get first(): T | undefined {
    return this.#first?.item
  }

  /** Who came last. */
  get last(): T | undefined {
    return this.#last?.item
  }

  push(item: T): void {
    const place: Place<T> = { item, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = place
    else this.#last.after = place
    this.#last = place
    this.#places.set(item, place)
  }

  shift(): T | undefined {
    const item = this.#first?.item
    if (item !== undefined) this.delete(item)
    return item
  }

  /** Takes one out; `false` when it was not in the line. */
  delete(item: T): boolean {
    const place = this.#places.get(item)
    if (place === undefined) return false
    this.#places.delete(item)
    if (place.before === undefined) this.#first = place.after
    else place.before.after = place.after
    if (place.after === undefined) this.#last = place.before
    else place.after.before = place.before
    return true
  }
}
