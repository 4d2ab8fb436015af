import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Contenders } from './contenders.ts'
import { dispensable } from './eviction.ts'
import { memoryClass } from './memory-class.ts'
import type { Population } from './population.ts'
import type { Spares } from './spares.ts'
import type { Starts } from './starts.ts'
import type { VersionPool } from './version-pool.ts'
import type { VersionPools } from './version-pools.ts'
import type { WaitingCalls } from './waiting-calls.ts'

/** What places are given out from. */
export interface PlaceParts {
  readonly pools: VersionPools
  readonly contenders: Contenders
  readonly population: Population
  readonly spares: Spares
  readonly starts: Starts
  readonly waiting: WaitingCalls
}

/** Gives the places of sandboxes, of which there are `maxSandboxes`, to the versions that need one. */
export class Places {
  readonly #parts: PlaceParts

  constructor(parts: PlaceParts) {
    this.#parts = parts
  }

  /** Whether one more sandbox takes nobody's place. */
  get hasFree(): boolean {
    return this.#parts.contenders.isEmpty && this.#parts.population.hasRoomToSpare
  }

  /** A version has calls that wait; whatever they need is started as soon as there are places for it. */
  wanted(pool: VersionPool): void {
    if (!pool.needsStart) return
    this.#parts.contenders.add(pool)
    this.giveOut()
  }

  /** Gives the places there are to those who contend for them. */
  giveOut(): void {
    const { contenders, population } = this.#parts
    while (!contenders.isEmpty && !population.isClosed) {
      const pool = contenders.next()
      if (pool === undefined || this.#isPaused(pool) || !this.#makeRoom(pool)) return
      this.#startFor(pool)
    }
  }

  /** Whether starting processes pauses for a time that the calls of a version can wait; then it goes on by itself. */
  #isPaused(pool: VersionPool): boolean {
    return !this.#hasSpareFor(pool) && this.#parts.population.boots.isPaused(pool.version.limits.queueMs, () => this.giveOut())
  }

  #startFor(pool: VersionPool): void {
    const { contenders, starts, waiting } = this.#parts
    contenders.delete(pool)
    const refusal = starts.refusal(pool)
    if (refusal !== undefined) return waiting.fail(pool, refusal, Infinity)
    void starts.start(pool)
    // Behind the others that have as little.
    if (pool.needsStart) contenders.add(pool)
  }

  #hasSpareFor(pool: VersionPool): boolean {
    return this.#parts.spares.hasSize(memoryClass(pool.version.limits.memoryMb))
  }

  /** Whether one more process may exist, if need be in place of one that can be spared. */
  #makeRoom(pool: VersionPool): boolean {
    const { population, spares, pools } = this.#parts
    if (population.hasRoom || this.#hasSpareFor(pool)) return true
    const sandbox = dispensable(population.living, spares, pools)
    if (sandbox === undefined) return false
    if (sandbox.version !== undefined && sandbox.kind === undefined) pools.find(sandbox.version)?.needlessStart?.stop()
    else sandbox.kill('CLOSED', 'Cannot keep the sandbox: its place was needed', {})
    return true
  }

  /**
   * Between two calls of a sandbox: whether somebody else has a better claim on its place. Then it takes no more calls. It
   * served one, so nobody is started in vain.
   */
  givesWay(pool: VersionPool, sandbox: Sandbox): boolean {
    const { contenders } = this.#parts
    if (contenders.isEmpty && pool.yielding.size === 0) return false
    if (sandbox.calls.size > 0) {
      if (pool.yielding.has(sandbox)) return true
      const claim = contenders.claimOn(pool)
      if (claim !== undefined) pool.yieldTo(sandbox, claim)
      return claim !== undefined
    }
    const promised = pool.endYield(sandbox)
    // Whom it was promised to may have given up since.
    const heir = promised?.needsStart === true ? promised : contenders.claimOn(pool)
    if (heir === undefined) return false
    sandbox.kill('CLOSED', 'Cannot keep the sandbox: its place was needed', {})
    this.#startFor(heir)
    return true
  }

  /** A sandbox will be killed. Whom its place was promised to contends like the others. */
  dying(pool: VersionPool, sandbox: Sandbox): void {
    const heir = pool.endYield(sandbox)
    if (heir?.needsStart === true) this.#parts.contenders.add(heir)
  }

  /** Loads a version ahead of its first call, if there is a place for it. Never rejects. */
  async preload(pool: VersionPool): Promise<void> {
    const { contenders, population, starts } = this.#parts
    if (population.isClosed || pool.sandboxes.size > 0 || pool.starts.size > 0) return
    if (starts.refusal(pool) === undefined && contenders.isEmpty && this.#makeRoom(pool)) await starts.start(pool)
  }
}
