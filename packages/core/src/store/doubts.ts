import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError } from '@cordon/contracts'

/** Pause between two attempts to read the store, in milliseconds. */
const retryMs = 250

/**
 * What may have changed in the store without this host knowing: a write whose connection broke may have been committed all the same. What the
 * store says counts, so it is read until it answers.
 */
export class Doubts {
  readonly #read: (key: string) => Promise<void>
  readonly #open = new Set<string>()

  /** `read` brings what the store says of `key` into memory, and calls `settle`. */
  constructor(read: (key: string) => Promise<void>) {
    this.#read = read
  }

  has(key: string): boolean {
    return this.#open.has(key)
  }

  /** Passes the result of a write on; after a failure that leaves open whether it was made, reading begins behind the caller's back. */
  async watch<T>(key: string, write: Promise<T>): Promise<T> {
    try {
      return await write
    } catch (error) {
      if (error instanceof PlatformError && error.code === 'STORE_UNAVAILABLE') this.#raise(key)
      throw error
    }
  }

  /** What the store says of `key` is in memory. */
  settle(key: string): void {
    this.#open.delete(key)
  }

  #raise(key: string): void {
    if (this.#open.has(key)) return
    this.#open.add(key)
    void this.#readUntilSettled(key)
  }

  async #readUntilSettled(key: string): Promise<void> {
    while (this.#open.has(key)) {
      try {
        await this.#read(key)
      } catch (error) {
        if (error instanceof PlatformError && error.code === 'CLOSED') return
        await delay(retryMs, undefined, { ref: false })
      }
    }
  }
}
