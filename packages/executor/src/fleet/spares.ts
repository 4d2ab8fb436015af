import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Booting } from './boots.ts'
import type { Contenders } from './contenders.ts'
import type { Population } from './population.ts'

/** How long a cold call has to get through before the spare it took is replaced, in milliseconds: two to three times what a short one takes. */
const refillDelayMs = 10

/** A process for a cold start, `isNew` when it still boots, `isSpare` when it was not started for this one. */
export interface TakenSandbox extends Booting {
  readonly isSpare: boolean
  readonly isNew: boolean
}

/** Sandboxes that are booted ahead, without a version. */
export class Spares {
  readonly #population: Population
  readonly #contenders: Contenders
  readonly #count: number
  readonly #memoryMb: number
  readonly #ready = new Map<Sandbox, Promise<void>>()
  /** Whether an HTTP function was loaded: only then they pay for what those need. */
  serveHttp = false

  /** `count` of them, of a size in MiB. */
  constructor(population: Population, contenders: Contenders, { count, memoryMb }: { readonly count: number; readonly memoryMb: number }) {
    this.#population = population
    this.#contenders = contenders
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
    return { ...this.#population.boot(memoryMb), isNew: true, isSpare: false }
  }

  /** The same as `fill` a little later: starting a process holds the host up for 1 to 5 ms, which the call that took the spare would wait for. */
  fillSoon(): void {
    setTimeout(() => this.fill(), refillDelayMs).unref()
  }

  /** Boots spares until there are as many as asked for, as long as nobody waits for the place. */
  fill(): void {
    while (this.#ready.size < this.#count && this.#contenders.isEmpty && this.#population.hasRoomToSpare) {
      const { sandbox, ready } = this.#population.boot(this.#memoryMb)
      this.#ready.set(sandbox, ready)
      ready.then(
        () => this.#booted(sandbox),
        // Its owner knows.
        () => undefined,
      )
    }
  }

  #booted(sandbox: Sandbox): void {
    if (sandbox.version !== undefined) return
    if (this.serveHttp) sandbox.warmUp()
    this.#population.report(sandbox, 'spare')
  }
}
