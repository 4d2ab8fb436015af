import { PlatformError, type ErrorCode, type ExecutableVersion } from '@cordon/contracts'
import type { Limiter } from '../limiter/limiter.ts'
import type { Call } from '../sandbox/call.ts'
import { Deadlines } from '../sandbox/deadlines.ts'
import type { Death, Sandbox, SandboxOwner } from '../sandbox/sandbox.ts'
import { Contenders } from './contenders.ts'
import { memoryClass } from './memory-class.ts'
import { Places } from './places.ts'
import { Population, type PopulationOptions } from './population.ts'
import { Spares } from './spares.ts'
import { Starts, type StartOwner } from './starts.ts'
import type { VersionPool } from './version-pool.ts'
import { VersionPools } from './version-pools.ts'
import { WaitingCalls, type FleetOwner } from './waiting-calls.ts'
import { wrongKind } from './wrong-kind.ts'

/** What a fleet needs. Times in milliseconds. */
export interface FleetOptions extends PopulationOptions {
  readonly spares: number
  readonly spareMemoryMb: number
}

/** Between two looks at idle sandboxes and failures. */
const sweepMs = 1000
/** Deaths that count against a version when they come before its first answer. */
const crashes: readonly ErrorCode[] = ['CRASHED', 'MEMORY_LIMIT', 'PROTOCOL_VIOLATION']

/**
 * Brings calls that were let in and sandboxes together: says what follows when a call comes, ends or gives up, and when a sandbox is
 * loaded or dies. Everything else is done by its parts, which know those below them and nobody above (see docs/lifecycle.md).
 */
export class Fleet implements SandboxOwner, StartOwner {
  readonly deadlines = new Deadlines()
  readonly pools: VersionPools
  readonly #owner: FleetOwner
  readonly #population: Population
  readonly #spares: Spares
  readonly #waiting: WaitingCalls
  readonly #starts: Starts
  readonly #places: Places
  readonly #sweeper: NodeJS.Timeout
  coldStarts = 0

  constructor(options: FleetOptions, limiter: Limiter, owner: FleetOwner) {
    this.#owner = owner
    const pools = (this.pools = new VersionPools(limiter))
    const contenders = new Contenders()
    const population = (this.#population = new Population(options, this))
    const spares = (this.#spares = new Spares(population, contenders, { count: options.spares, memoryMb: memoryClass(options.spareMemoryMb) }))
    const waiting = (this.#waiting = new WaitingCalls(limiter, this.deadlines, owner))
    const starts = (this.#starts = new Starts({ population, spares, waiting }, options, this))
    this.#places = new Places({ pools, contenders, population, spares, starts, waiting })
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs).unref()
    spares.fill()
  }

  get sandboxes(): ReadonlySet<Sandbox> {
    return this.#population.all
  }

  /** Processes that ended. */
  get killed(): number {
    return this.#population.killed
  }

  /** False while starts fail one after the other. */
  get canStart(): boolean {
    return this.#population.boots.canStart
  }

  /** Runs a call that was let in, if a sandbox for it is free. */
  tryRun(call: Call, pool: VersionPool): boolean {
    const sandbox = pool.peekFreeFor(call)
    if (sandbox === undefined) return false
    this.#dispatch(call, pool, sandbox)
    return true
  }

  /** Lets a call that was let in wait for a sandbox, and sees to it that there will be one. It has a place in the waiting room. */
  wait(call: Call, pool: VersionPool): void {
    this.#waiting.add(call, pool)
    this.#places.wanted(pool)
  }

  /** A call that waited for a sandbox does not need one any more. */
  withdraw(call: Call, pool: VersionPool): void {
    if (!pool.lineOf(call).delete(call)) return
    // What it waited for, if anything was on its way.
    for (const start of pool.starts) {
      start.measure(call)
      break
    }
    // Its sandbox may have become needless to it and be welcome to others.
    this.#places.giveOut()
  }

  /** Why no sandbox is started for a version at this moment. */
  refusal(pool: VersionPool): PlatformError | undefined {
    return this.#starts.refusal(pool)
  }

  #dispatch(call: Call, pool: VersionPool, sandbox: Sandbox): void {
    if (call.kind !== sandbox.kind) {
      call.place = 'over'
      this.#owner.left(call, pool)
      return call.fail(wrongKind(call))
    }
    call.place = 'running'
    sandbox.dispatch(call)
    if (call.isCold) this.coldStarts++
    pool.update(sandbox)
    this.#population.watchdog.watch(sandbox)
  }

  /** A sandbox has room: the calls that wait get it. */
  #serve(pool: VersionPool, sandbox: Sandbox): void {
    pool.update(sandbox)
    for (let free = pool.peekFree(); free !== undefined; free = pool.peekFree()) {
      const call = this.#waiting.next(pool, free)
      if (call === undefined) return
      this.#dispatch(call, pool, free)
    }
  }

  released(sandbox: Sandbox, call: Call): void {
    call.place = 'over'
    const pool = this.pools.of(call.version)
    if (sandbox.calls.size === 0) sandbox.idleSince = performance.now()
    if (sandbox.death === undefined) {
      if (!sandbox.hasAnswered) this.#answered(pool, sandbox)
      if (!this.#places.givesWay(pool, sandbox)) this.#serve(pool, sandbox)
    } else {
      // Before the next call is let in: it must not be given to a sandbox that died.
      this.dying(sandbox)
    }
    this.#owner.left(call, pool)
    this.#settled(pool, sandbox)
  }

  unstarted(sandbox: Sandbox, call: Call): void {
    this.dying(sandbox)
    call.notBegun()
    this.#owner.unstarted(call, this.pools.of(call.version))
  }

  /** The first call of a sandbox ended well enough: its version can run. */
  #answered(pool: VersionPool, sandbox: Sandbox): void {
    sandbox.hasAnswered = true
    if (this.#starts.succeeded(pool)) this.#places.wanted(pool)
  }

  /** After all calls that could use it had their turn: an idle sandbox of a retired version goes, any other makes room for who needs it. */
  #settled(pool: VersionPool, sandbox: Sandbox): void {
    if (sandbox.calls.size > 0 || sandbox.death !== undefined) return
    const isUsedUp = pool.isUsedUp(sandbox)
    if (isUsedUp) sandbox.kill('CLOSED', 'Cannot keep the sandbox: its version wants one for each invocation', {})
    else if (pool.isRetired) sandbox.kill('CLOSED', 'Cannot keep the sandbox: its version was retired', {})
    this.#places.giveOut()
    // The next call finds one that is loaded, if that takes nobody's place.
    if (isUsedUp && !pool.isRetired && pool.free.length === 0 && this.#places.hasFree) void this.preload(pool)
  }

  started(pool: VersionPool, sandbox: Sandbox): void {
    if (sandbox.death === undefined) this.#serve(pool, sandbox)
    this.#places.wanted(pool)
    this.#settled(pool, sandbox)
    this.#spares.fillSoon()
  }

  startFailed(pool: VersionPool): void {
    this.#places.wanted(pool)
    this.pools.forgetIfUnused(pool)
    this.#spares.fill()
  }

  spawned(sandbox: Sandbox): void {
    this.#population.spawned(sandbox)
  }

  dying(sandbox: Sandbox): void {
    this.#population.dying(sandbox)
    this.#spares.delete(sandbox)
    const pool = this.pools.find(sandbox.version)
    if (pool === undefined) return
    pool.remove(sandbox)
    this.#places.dying(pool, sandbox)
  }

  died(sandbox: Sandbox, death: Death): void {
    this.dying(sandbox)
    this.#population.died(sandbox, death)
    if (sandbox.version !== undefined) {
      const pool = this.pools.of(sandbox.version)
      const isUnproven = sandbox.kind !== undefined && !sandbox.hasAnswered
      if (isUnproven && crashes.includes(death.code)) this.#starts.failed(pool, sandbox.deathError(), sandbox.startedAt)
      this.#places.wanted(pool)
      this.pools.forgetIfUnused(pool)
    }
    this.#places.giveOut()
    this.#spares.fill()
  }

  /** Loads a version into a sandbox ahead of its first call, if there is a place for it. Never rejects. */
  preload(pool: VersionPool): Promise<void> {
    return this.#places.preload(pool)
  }

  /** Lets go of what a version keeps warm. */
  retire(version: ExecutableVersion): void {
    const pool = this.pools.find(version)
    if (pool === undefined) return
    pool.isRetired = true
    for (const sandbox of pool.sandboxes)
      if (!sandbox.isBusy && sandbox.kind !== undefined) sandbox.kill('CLOSED', 'Cannot keep the sandbox: its version was retired', {})
    this.pools.forgetIfUnused(pool)
  }

  #sweep(): void {
    this.#population.sweep()
    this.#starts.sweep(this.pools)
    this.#spares.fill()
  }

  /** Kills everything; resolves when every process is gone. */
  async destroy(): Promise<void> {
    clearInterval(this.#sweeper)
    await Promise.all([this.#population.destroy(), this.#starts.close()])
    // Calls that still wait for a sandbox will never get one.
    for (const pool of this.pools) this.#waiting.fail(pool, new PlatformError('CLOSED', 'Cannot run the function: the platform was closed'), Infinity)
    this.#population.watchdog.close()
    this.deadlines.close()
  }
}
