import { PlatformError, toPlatformError, type ErrorCode, type ExecutableVersion, type SandboxEvent } from '@cordon/contracts'
import { CodeCaches } from '../code-cache/code-caches.ts'
import type { Limiter } from '../limiter/limiter.ts'
import type { Call } from '../sandbox/call.ts'
import { Deadlines } from '../sandbox/deadlines.ts'
import type { Death, Sandbox, SandboxOwner } from '../sandbox/sandbox.ts'
import { checkMemory, Watchdog } from '../sandbox/watchdog.ts'
import { Boots, type BootOptions, type Booting } from './boots.ts'
import { Contenders } from './contenders.ts'
import { dispensable, sweepIdle } from './eviction.ts'
import { memoryClass } from './memory-class.ts'
import { sandboxEvent } from './sandbox-event.ts'
import { Spares, type SpareOwner } from './spares.ts'
import { Start } from './start.ts'
import type { VersionPool } from './version-pool.ts'
import { VersionPools } from './version-pools.ts'
import { wrongKind } from './wrong-kind.ts'

/** What a fleet needs. Times in milliseconds. */
export interface FleetOptions extends BootOptions {
  readonly spares: number
  readonly spareMemoryMb: number
  readonly maxSandboxes: number
  readonly idleMs: number
  readonly onSandbox: ((event: SandboxEvent) => void) | undefined
}

/** What a fleet tells the executor. */
export interface FleetOwner {
  /** A call that was let in is over. */
  left(call: Call, pool: VersionPool): void
}

/** Between two looks at idle sandboxes and failures. */
const sweepMs = 1000
/** Deaths that count against a version when they come before its first answer. */
const crashes: readonly ErrorCode[] = ['CRASHED', 'MEMORY_LIMIT', 'PROTOCOL_VIOLATION']

/** All sandboxes of an executor: spares, warm ones by version, and the ones on their way. */
export class Fleet implements SandboxOwner, SpareOwner {
  readonly deadlines = new Deadlines()
  readonly pools: VersionPools
  readonly #options: FleetOptions
  readonly #limiter: Limiter
  readonly #owner: FleetOwner
  readonly #all = new Set<Sandbox>()
  /** Those that were not told to die. */
  readonly #living = new Set<Sandbox>()
  readonly #spares: Spares
  readonly #contenders = new Contenders()
  readonly #watchdog = new Watchdog()
  readonly #boots: Boots
  readonly #codeCaches: CodeCaches
  /** Versions whose last start failed. */
  readonly #failing = new Set<VersionPool>()
  #sweeper: NodeJS.Timeout | undefined
  #isClosed = false
  /** Whether an HTTP function was loaded: only then spares pay for what those need. */
  #servesHttp = false
  coldStarts = 0
  killed = 0

  constructor(options: FleetOptions, limiter: Limiter, owner: FleetOwner) {
    this.#options = options
    this.#limiter = limiter
    this.#owner = owner
    this.pools = new VersionPools(limiter)
    this.#boots = new Boots(options)
    this.#codeCaches = new CodeCaches(options)
    this.#spares = new Spares(this, options.spares, memoryClass(options.spareMemoryMb))
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs).unref()
  }

  get sandboxes(): ReadonlySet<Sandbox> {
    return this.#all
  }

  /** Runs a call that was let in, if a warm sandbox is free. */
  tryRun(call: Call, pool: VersionPool): boolean {
    const sandbox = pool.peekFree()
    if (sandbox === undefined) return false
    this.#dispatch(call, pool, sandbox)
    return true
  }

  /** Lets a call that was let in wait for a sandbox, and sees to it that there will be one. It has a place in the waiting room. */
  wait(call: Call, pool: VersionPool): void {
    call.place = 'waiting'
    pool.line.push(call)
    call.dueAt = call.acceptedAt + call.version.limits.queueMs
    this.deadlines.add(call)
    this.#startWhereNeeded(pool)
  }

  /** A call that waited for a sandbox does not need one any more. */
  withdraw(call: Call, pool: VersionPool): void {
    if (!pool.line.delete(call)) return
    // What it waited for, if anything was on its way.
    for (const start of pool.starts) {
      start.measure(call)
      break
    }
    // Its sandbox may have become needless to it and be welcome to others.
    this.#giveOut()
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
    this.#watchdog.watch(sandbox)
  }

  dying(sandbox: Sandbox): void {
    this.#living.delete(sandbox)
    this.#spares.delete(sandbox)
    const pool = this.pools.find(sandbox.version)
    if (pool === undefined) return
    pool.remove(sandbox)
    const heir = pool.endYield(sandbox)
    if (heir?.needsStart === true) this.#contenders.add(heir)
  }

  released(sandbox: Sandbox, call: Call): void {
    call.place = 'over'
    const pool = this.pools.of(call.version)
    if (sandbox.calls.size === 0) sandbox.idleSince = performance.now()
    if (sandbox.death === undefined) {
      if (!sandbox.hasAnswered) this.#answered(pool, sandbox)
      if (!this.#givesWay(pool, sandbox)) this.#serve(pool, sandbox)
    } else {
      // Before the next call is let in: it must not be given to a sandbox that died.
      this.dying(sandbox)
    }
    this.#owner.left(call, pool)
    this.#settled(pool, sandbox)
  }

  /** The first call of a sandbox ended well enough: its version can run. */
  #answered(pool: VersionPool, sandbox: Sandbox): void {
    sandbox.hasAnswered = true
    if (!this.#failing.delete(pool)) return
    pool.backOff.succeed()
    this.#startWhereNeeded(pool)
  }

  /** Whether somebody else has a better claim on the place of this sandbox, which then takes no more calls. It served one, so nobody is started in vain. */
  #givesWay(pool: VersionPool, sandbox: Sandbox): boolean {
    if (this.#contenders.isEmpty && pool.yielding.size === 0) return false
    if (sandbox.calls.size > 0) {
      if (pool.yielding.has(sandbox)) return true
      const claim = this.#contenders.claimOn(pool)
      if (claim !== undefined) pool.yieldTo(sandbox, claim)
      return claim !== undefined
    }
    const promised = pool.endYield(sandbox)
    // Whom it was promised to may have given up since.
    const heir = promised?.needsStart === true ? promised : this.#contenders.claimOn(pool)
    if (heir === undefined) return false
    sandbox.kill('CLOSED', 'Cannot keep the sandbox: its place was needed', {})
    this.#startFor(heir)
    return true
  }

  /** A sandbox has room: the calls that wait get it. */
  #serve(pool: VersionPool, sandbox: Sandbox): void {
    pool.update(sandbox)
    for (let free = pool.peekFree(); free !== undefined; free = pool.peekFree()) {
      const call = pool.line.shift()
      if (call === undefined) return
      this.#limiter.room.leave(pool.gate)
      this.#limiter.room.pace.add(performance.now() - call.acceptedAt)
      this.deadlines.delete(call)
      this.#dispatch(call, pool, free)
    }
  }

  /** After all calls that could use it had their turn: an idle sandbox of a retired version goes, any other makes room for who needs it. */
  #settled(pool: VersionPool, sandbox: Sandbox): void {
    if (sandbox.calls.size > 0 || sandbox.death !== undefined) return
    const isUsedUp = pool.isUsedUp(sandbox)
    if (isUsedUp) sandbox.kill('CLOSED', 'Cannot keep the sandbox: its version wants one for each invocation', {})
    else if (pool.isRetired) sandbox.kill('CLOSED', 'Cannot keep the sandbox: its version was retired', {})
    this.#giveOut()
    // The next call finds one that is loaded, if that takes nobody's place.
    if (isUsedUp && !pool.isRetired && pool.free.length === 0 && this.hasPlace()) void this.preload(pool)
  }

  died(sandbox: Sandbox, death: Death): void {
    this.dying(sandbox)
    this.#all.delete(sandbox)
    this.#watchdog.unwatch(sandbox)
    this.#options.reaper?.unwatch(sandbox.pid)
    this.killed++
    this.#emit(sandbox, 'dead', death)
    this.#boots.died(sandbox, death)
    if (sandbox.version !== undefined) {
      const pool = this.pools.of(sandbox.version)
      const isUnproven = sandbox.kind !== undefined && !sandbox.hasAnswered
      if (isUnproven && crashes.includes(death.code)) this.#failed(pool, sandbox.deathError(), sandbox.startedAt)
      this.#startWhereNeeded(pool)
      this.pools.forgetIfUnused(pool)
    }
    this.#giveOut()
    this.fillSpares()
  }

  #startWhereNeeded(pool: VersionPool): void {
    if (!pool.needsStart) return
    this.#contenders.add(pool)
    this.#giveOut()
  }

  /** Gives the places there are to those who contend for them. */
  #giveOut(): void {
    while (!this.#contenders.isEmpty && !this.#isClosed) {
      const pool = this.#contenders.next()
      if (pool === undefined || this.#isPaused(pool) || !this.#makeRoom(pool)) return
      this.#startFor(pool)
    }
  }

  /** Whether starting processes pauses for a time that the calls of a version can wait; then it goes on by itself. */
  #isPaused({ version }: VersionPool): boolean {
    return !this.#spares.hasSize(memoryClass(version.limits.memoryMb)) && this.#boots.isPaused(version.limits.queueMs, () => this.#giveOut())
  }

  #startFor(pool: VersionPool): void {
    this.#contenders.delete(pool)
    const refusal = this.refusal(pool)
    if (refusal !== undefined) return this.#failWaiting(pool, refusal, Infinity)
    void this.#start(pool)
    // Behind the others that have as little.
    if (pool.needsStart) this.#contenders.add(pool)
  }

  /** Why no sandbox is started for a version at this moment. */
  refusal(pool: VersionPool): PlatformError | undefined {
    const { version, backOff } = pool
    const failing = backOff.refusal(`run the function "${version.function}" now`)
    if (failing !== undefined || this.#spares.hasSize(memoryClass(version.limits.memoryMb))) return failing
    return this.#boots.backOff.refusal('start a sandbox')
  }

  /** Whether one more process may exist, if need be in place of one that can be spared. */
  #makeRoom(pool: VersionPool): boolean {
    if (this.#living.size < this.#options.maxSandboxes || this.#spares.hasSize(memoryClass(pool.version.limits.memoryMb))) return true
    const sandbox = dispensable(this.#living, this.#spares, this.pools)
    if (sandbox === undefined) return false
    if (sandbox.version !== undefined && sandbox.kind === undefined) this.pools.find(sandbox.version)?.needlessStart?.stop()
    else sandbox.kill('CLOSED', 'Cannot keep the sandbox: its place was needed', {})
    return true
  }

  /** Loads a version into a sandbox ahead of its first call, if there is a place for it. Never rejects. */
  async preload(pool: VersionPool): Promise<void> {
    if (this.#isClosed || pool.sandboxes.size > 0 || pool.starts.size > 0) return
    if (this.refusal(pool) === undefined && this.#contenders.isEmpty && this.#makeRoom(pool)) await this.#start(pool)
  }

  /** Boots (or takes a spare) and loads one sandbox for a version. */
  async #start(pool: VersionPool): Promise<void> {
    const start = new Start()
    pool.starts.add(start)
    const { version } = pool
    let sandbox: Sandbox
    try {
      const taken = this.#spares.take(memoryClass(version.limits.memoryMb))
      sandbox = start.sandbox = taken.sandbox
      start.isNew = taken.isNew
      start.isSpare = taken.isSpare
      sandbox.version = version
      sandbox.startedAt = start.since
      pool.add(sandbox)
      // Both are waited for together; neither may become an unhandled rejection when the other fails first.
      const [code] = await Promise.all([pool.loadBundle(), taken.ready])
      start.booted()
      if (taken.isNew) sandbox.bootMs = performance.now() - start.since
      this.#emit(sandbox, 'loading')
      this.#watchdog.watch(sandbox)
      await this.#codeCaches.load(sandbox, version, code)
      checkMemory(sandbox)
    } catch (thrown) {
      return this.#startFailed(pool, start, toPlatformError(thrown, 'LOAD_FAILED', 'get the code of the function'))
    }
    pool.starts.delete(start)
    if (sandbox.kind === 'http') this.#servesHttp = true
    sandbox.idleSince = performance.now()
    this.#emit(sandbox, 'idle')
    if (sandbox.death === undefined) this.#serve(pool, sandbox)
    this.#startWhereNeeded(pool)
    this.#settled(pool, sandbox)
    this.#spares.fillSoon()
  }

  #startFailed(pool: VersionPool, start: Start, error: PlatformError): void {
    pool.starts.delete(start)
    start.sandbox?.kill('LOAD_FAILED', 'Cannot use the sandbox: the load failed', {})
    // A spare that did not come up was started in another minute; these calls have not had their try.
    if (!start.isStopped && !(start.isSpare && error.code === 'SANDBOX_FAILED')) {
      if (error.code !== 'CLOSED' && error.code !== 'SANDBOX_FAILED') this.#failed(pool, error, start.since)
      // Code that failed by itself will fail again; a process that died only takes the calls it was meant for.
      this.#failWaiting(pool, error, error.code === 'LOAD_FAILED' ? Infinity : pool.callsPerSandbox, start)
    }
    this.#startWhereNeeded(pool)
    this.pools.forgetIfUnused(pool)
    this.fillSpares()
  }

  /** A start failed, or what was started crashed at once. */
  #failed(pool: VersionPool, error: PlatformError, startedAt: number): void {
    this.#failing.add(pool)
    if (!pool.backOff.fail(error, startedAt)) return
    const { function: name, version } = pool.version
    this.#options.onWarning?.(`The function "${name}" (${version}) fails again and again when it is started: further starts are spaced out`, error)
  }

  #failWaiting(pool: VersionPool, error: PlatformError, count: number, start?: Start): void {
    for (let left = Math.min(count, pool.line.length); left > 0; left--) {
      const call = pool.line.shift()
      if (call === undefined) return
      this.#limiter.room.leave(pool.gate)
      this.deadlines.delete(call)
      call.place = 'over'
      start?.measure(call)
      this.#owner.left(call, pool)
      call.fail(error)
    }
  }

  boot(memoryMb: number): Booting {
    const booting = this.#boots.start(memoryMb, this)
    this.#all.add(booting.sandbox)
    this.#living.add(booting.sandbox)
    this.#emit(booting.sandbox, 'booting')
    return booting
  }

  hasPlace(): boolean {
    return !this.#isClosed && this.#contenders.isEmpty && this.#all.size < this.#options.maxSandboxes && this.#boots.backOff.pauseMs === 0
  }

  spareReady(sandbox: Sandbox): void {
    if (this.#servesHttp) sandbox.warmUp()
    this.#emit(sandbox, 'spare')
  }

  /** Boots spares until there are as many as asked for. */
  fillSpares(): void {
    this.#spares.fill()
  }

  /** Lets go of what a version keeps warm. */
  retire(version: ExecutableVersion): void {
    const pool = this.pools.find(version)
    if (pool === undefined) return
    pool.isRetired = true
    for (const sandbox of pool.sandboxes)
      if (!sandbox.isBusy && sandbox.kind !== undefined) sandbox.kill('CLOSED', 'Cannot keep the sandbox: its version was retired', {})
  }

  #sweep(): void {
    sweepIdle(this.#all, this.#options.idleMs)
    for (const pool of this.#failing) {
      if (!pool.backOff.isForgotten) continue
      this.#failing.delete(pool)
      this.pools.forgetIfUnused(pool)
    }
    this.fillSpares()
  }

  #emit(sandbox: Sandbox, state: SandboxEvent['state'], death?: Death): void {
    this.#options.onSandbox?.(sandboxEvent(sandbox, state, death))
  }

  /** Nothing is started any more; idle sandboxes go. */
  stopStarting(): void {
    this.#isClosed = true
    for (const sandbox of this.#all) if (!sandbox.isBusy) sandbox.kill('CLOSED', 'Cannot go on: the platform is closing', {})
  }

  /** Kills everything; resolves when every process is gone. */
  async destroy(): Promise<void> {
    this.stopStarting()
    clearInterval(this.#sweeper)
    this.#boots.close()
    for (const sandbox of this.#all) sandbox.kill('CLOSED', 'Cannot finish the invocation: the platform was closed', {})
    await Promise.all([this.#codeCaches.close(), ...[...this.#all].map((sandbox) => sandbox.gone())])
    // Calls that still wait for a sandbox will never get one.
    for (const pool of this.pools) this.#failWaiting(pool, new PlatformError('CLOSED', 'Cannot run the function: the platform was closed'), Infinity)
    this.#watchdog.close()
    this.deadlines.close()
  }
}
