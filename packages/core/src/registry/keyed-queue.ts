/** Runs what belongs to one key one after the other; different keys do not wait for each other. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>()

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key)
    const result = before === undefined ? work() : before.then(work)
    const tail = result.then(ignore, ignore)
    this.#tails.set(key, tail)
    void this.#forget(key, tail)
    return result
  }

  /** Resolves when everything that was started by now is over. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails.values())
  }

  async #forget(key: string, tail: Promise<void>): Promise<void> {
    await tail
    if (this.#tails.get(key) === tail) this.#tails.delete(key)
  }
}

function ignore(): void {}
