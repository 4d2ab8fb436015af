import type { Booting } from './boots.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'

/** How long a cold call has to get through before the spare it took is replaced, in milliseconds: two to three times what a short one takes. */
const refillDelayMs = 10

/** What spares need of their fleet. */
export interface SpareOwner {
  /** Whether one more process may be started for a spare. */
  hasPlace(): boolean
  /** Starts a process; the promise settles with its boot. */
  boot(memoryMb: number): Booting
  /** A spare is up. */
  spareReady(sandbox: Sandbox): void
}

/** A process for a cold start, `isNew` when it still boots, `isSpare` when it was not started for this one. */
export interface TakenSandbox extends Booting {
  readonly isSpare: boolean
  readonly isNew: boolean
}

/** Sandboxes that are booted ahead, without a version. */
export class Spares {
  readonly #owner: SpareOwner
  readonly #count: number
  readonly #memoryMb: number
  readonly #ready = new Map<Sandbox, Promise<void>>()

  constructor(owner: SpareOwner, count: number, memoryMb: number) {
    this.#owner = owner
    this.#count = count
    this.#memoryMb = memoryMb
  }

  has(sandbox: Sandbox): boolean {
    return this.#ready.has(sandbox)
  }

  delete(sandbox: Sandbox): void {
    this.#ready.delete(sandbox)
  }

  /** Whether there is one of this size in MiB. */
  hasSize(memoryMb: number): boolean {
    for (const sandbox of this.#ready.keys()) if (sandbox.memoryMb === memoryMb && sandbox.death === undefined) return true
    return false
  }

  /** Takes a spare of this size in MiB, or boots a process. */
  take(memoryMb: number): TakenSandbox {
    for (const [sandbox, ready] of this.#ready) {
      if (sandbox.memoryMb !== memoryMb || sandbox.death !== undefined) continue
      this.#ready.delete(sandbox)
      return { sandbox, ready, isNew: !sandbox.isBooted, isSpare: true }
    }
    return { ...this.#owner.boot(memoryMb), isNew: true, isSpare: false }
  }

  /** The same a little later: starting a process holds the host up for 1 to 5 ms, which the call that took the spare would wait for. */
  fillSoon(): void {
    setTimeout(() => this.fill(), refillDelayMs).unref()
  }

  /** Boots spares until there are as many as asked for. */
  fill(): void {
    while (this.#ready.size < this.#count && this.#owner.hasPlace()) {
      const { sandbox, ready } = this.#owner.boot(this.#memoryMb)
      this.#ready.set(sandbox, ready)
      ready.then(
        () => {
          if (sandbox.version === undefined) this.#owner.spareReady(sandbox)
        },
        // Its owner knows.
        () => undefined,
      )
    }
  }
}
