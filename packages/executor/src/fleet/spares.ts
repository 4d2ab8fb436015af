import type { Sandbox } from '../sandbox/sandbox.ts'

/** Boots in a row that may fail before no more spares are tried. */
const maxFailures = 3

/** How long a cold call has to get through before the spare it took is replaced, in milliseconds: two to three times what a short one takes. */
const refillDelayMs = 10

/** What spares need of their fleet. */
export interface SpareOwner {
  /** Whether one more process may exist for a spare. */
  hasPlace(): boolean
  /** Starts a process; the promise settles with its boot. */
  boot(memoryMb: number): { readonly sandbox: Sandbox; readonly ready: Promise<void> }
  /** A spare is up. */
  spareReady(sandbox: Sandbox): void
}

/** A process for a cold start, `isNew` when it still boots, `isSpare` when it was not started for this one. */
export interface TakenSandbox {
  readonly isSpare: boolean
  readonly sandbox: Sandbox
  readonly ready: Promise<void>
  readonly isNew: boolean
}

/** Sandboxes that are booted ahead, without a version. */
export class Spares {
  readonly #owner: SpareOwner
  readonly #count: number
  readonly #memoryMb: number
  readonly #ready = new Map<Sandbox, Promise<void>>()
  #failures = 0

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
    const booting = this.#owner.boot(memoryMb)
    // The machine can start sandboxes again: time for new spares, too.
    booting.ready.then(
      () => (this.#failures = 0),
      () => undefined,
    )
    return { ...booting, isNew: true, isSpare: false }
  }

  /** The same a little later: starting a process holds the host up for 1 to 5 ms, which the call that took the spare would wait for. */
  fillSoon(): void {
    setTimeout(() => this.fill(), refillDelayMs).unref()
  }

  /** Boots spares until there are as many as asked for. */
  fill(): void {
    // A machine that cannot start sandboxes at all must not be kept busy trying.
    while (this.#ready.size < this.#count && this.#failures < maxFailures && this.#owner.hasPlace()) {
      const { sandbox, ready } = this.#owner.boot(this.#memoryMb)
      this.#ready.set(sandbox, ready)
      ready.then(
        () => {
          this.#failures = 0
          if (sandbox.version === undefined) this.#owner.spareReady(sandbox)
        },
        () => this.#failures++,
      )
    }
  }
}
