import { PlatformError, toPlatformError, type ExecutableVersion, type Reaper, type SandboxEvent } from '@cordon/contracts'
import { Gate } from '../limiter/gate.ts'
import type { Call } from '../sandbox/call.ts'
import { Deadlines } from '../sandbox/deadlines.ts'
import { Sandbox, type Death, type SandboxOwner } from '../sandbox/sandbox.ts'
import type { Isolation } from '../sandbox/sandbox-process.ts'
import { checkMemory, Watchdog } from '../sandbox/watchdog.ts'
import { longestIdle, sweepIdle } from './eviction.ts'
import { memoryClass } from './memory-class.ts'
import { Spares, type SpareOwner } from './spares.ts'
import { VersionPool } from './version-pool.ts'
import { wrongKind } from './wrong-kind.ts'

/** What a fleet needs. Times in milliseconds. */
export interface FleetOptions {
  readonly spawn: Isolation['spawn']
  readonly reaper: Reaper | undefined
  readonly spares: number
  readonly spareMemoryMb: number
  readonly maxSandboxes: number
  readonly maxWaiting: number
  readonly idleMs: number
  readonly bootTimeoutMs: number
  readonly onSandbox: ((event: SandboxEvent) => void) | undefined
}

/** What a fleet tells the executor. */
export interface FleetOwner {
  /** A call left its sandbox, or will never get one. */
  left(call: Call, pool: VersionPool): void
}

/** When a caller should come back that found no free sandbox. Nothing is known about the pace of other functions. */
const hostRetryMs = 1000
/** Between two looks at idle sandboxes. */
const sweepMs = 1000

/** All sandboxes of an executor: spares, warm ones by version, and the ones on their way. */
export class Fleet implements SandboxOwner, SpareOwner {
  readonly deadlines = new Deadlines()
  readonly pools = new Map<string, VersionPool>()
  readonly gates = new Map<string, Gate>()
  readonly #options: FleetOptions
  readonly #owner: FleetOwner
  readonly #known = new WeakMap<ExecutableVersion, VersionPool>()
  readonly #all = new Set<Sandbox>()
  readonly #spares: Spares
  readonly #watchdog = new Watchdog()
  readonly #blocked = new Set<VersionPool>()
  /** Calls that wait for a sandbox, of all functions. */
  #waiting = 0
  #sweeper: NodeJS.Timeout | undefined
  #isClosed = false
  /** Whether an HTTP function was loaded: only then spares pay for what those need. */
  #servesHttp = false
  coldStarts = 0
  killed = 0

  constructor(options: FleetOptions, owner: FleetOwner) {
    this.#options = options
    this.#owner = owner
    this.#spares = new Spares(this, options.spares, memoryClass(options.spareMemoryMb))
    this.#sweeper = setInterval(() => sweepIdle(this.#all, options.idleMs), sweepMs).unref()
  }

  get sandboxes(): ReadonlySet<Sandbox> {
    return this.#all
  }

  /** The pool of a version. */
  poolOf(version: ExecutableVersion): VersionPool {
    const known = this.#known.get(version)
    if (known !== undefined && this.pools.get(known.key) === known) return known
    const gateKey = `${version.tenant}\0${version.function}`
    const key = `${gateKey}\0${version.version}`
    let pool = this.pools.get(key)
    if (pool === undefined) {
      let gate = this.gates.get(gateKey)
      if (gate === undefined) this.gates.set(gateKey, (gate = new Gate()))
      gate.users++
      pool = new VersionPool(key, version, gate)
      this.pools.set(key, pool)
    }
    this.#known.set(version, pool)
    return pool
  }

  /** Runs a call now if a warm sandbox is free, else as soon as one is. */
  place(call: Call, pool: VersionPool): void {
    const sandbox = pool.peekFree()
    if (sandbox !== undefined) return this.#dispatch(call, pool, sandbox)
    call.place = 'waiting'
    if (this.#waiting >= this.#options.maxWaiting) {
      call.place = 'over'
      this.#owner.left(call, pool)
      return call.fail(this.overloaded(call, `${this.#waiting} calls wait for a sandbox already`))
    }
    pool.waiting.push(call)
    this.#waiting++
    call.dueAt = call.acceptedAt + call.version.limits.queueMs
    this.deadlines.add(call)
    this.#startWhereNeeded(pool)
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
    if (sandbox.version !== undefined) this.pools.get(keyOf(sandbox.version))?.update(sandbox)
  }

  released(sandbox: Sandbox, call: Call): void {
    call.place = 'over'
    const pool = sandbox.version === undefined ? undefined : this.poolOf(sandbox.version)
    if (pool === undefined) return
    if (sandbox.calls.size === 0) sandbox.idleSince = performance.now()
    if (!sandbox.isDead) this.#settleIn(pool, sandbox)
    this.#owner.left(call, pool)
    this.#settled(pool, sandbox)
  }

  /** A sandbox has room: the next waiting call gets it, or it stays warm. */
  #settleIn(pool: VersionPool, sandbox: Sandbox): void {
    pool.update(sandbox)
    while (pool.waiting.length > 0 && pool.peekFree() !== undefined) this.#serveNext(pool)
  }

  /** After all calls that could use it had their turn: an idle sandbox of a retired version goes, any other makes room for who needs it. */
  #settled(pool: VersionPool, sandbox: Sandbox): void {
    if (sandbox.calls.size > 0 || sandbox.death !== undefined) return
    if (pool.isRetired) sandbox.kill('CLOSED', 'Cannot keep the sandbox: its version was retired', {})
    else this.#unblock()
  }

  #serveNext(pool: VersionPool): void {
    const free = pool.peekFree()
    const next = free === undefined ? undefined : pool.waiting.shift()
    if (next === undefined || free === undefined) return
    this.#waiting--
    this.deadlines.delete(next)
    this.#dispatch(next, pool, free)
  }

  died(sandbox: Sandbox, death: Death): void {
    this.#all.delete(sandbox)
    this.#spares.delete(sandbox)
    this.#watchdog.unwatch(sandbox)
    this.#options.reaper?.unwatch(sandbox.pid)
    this.killed++
    this.#emit(sandbox, 'dead', death)
    const pool = sandbox.version === undefined ? undefined : this.pools.get(keyOf(sandbox.version))
    if (pool !== undefined) {
      pool.sandboxes.delete(sandbox)
      pool.update(sandbox)
      this.#startWhereNeeded(pool)
      this.#forgetIfEmpty(pool)
    }
    this.#unblock()
    if (!this.#isClosed && death.code !== 'SANDBOX_FAILED') this.fillSpares()
  }

  #forgetIfEmpty(pool: VersionPool): void {
    if (!pool.isEmpty || pool.gate.running > 0 || pool.gate.queued > 0 || pool.recentFailure !== undefined) return
    if (this.pools.delete(pool.key) && --pool.gate.users === 0) this.gates.delete(`${pool.version.tenant}\0${pool.version.function}`)
  }

  /** A call that waited for a sandbox does not need one any more. */
  forget(call: Call, pool: VersionPool): void {
    this.deadlines.delete(call)
    const index = pool.waiting.indexOf(call)
    if (index < 0) return
    pool.waiting.splice(index, 1)
    this.#waiting--
  }

  /** The refusal of a call for which the host has no sandbox. */
  overloaded(call: Call, reason: string): PlatformError {
    const { maxSandboxes } = this.#options
    return new PlatformError('OVERLOADED', `Cannot run the function "${call.version.function}" now: all sandboxes of the host are busy; ${reason}`, {
      details: { scope: 'host', retryAfterMs: hostRetryMs, waiting: this.#waiting, maxSandboxes },
    })
  }

  #startWhereNeeded(pool: VersionPool): void {
    while (!this.#isClosed && pool.needsStart) {
      const failure = pool.recentFailure
      if (failure !== undefined) return this.#failWaiting(pool, failure, Infinity)
      if (!this.#makeRoom(pool)) return void this.#blocked.add(pool)
      void this.start(pool)
    }
  }

  /** Whether one more process may exist, if need be in place of the longest idle one. */
  #makeRoom(pool: VersionPool): boolean {
    let living = 0
    for (const one of this.#all) if (one.death === undefined) living++
    if (living < this.#options.maxSandboxes) return true
    if (this.#spares.hasSize(memoryClass(pool.version.limits.memoryMb))) return true
    const oldest = longestIdle(this.#all, this.#spares)
    if (oldest === undefined) return false
    this.#spares.delete(oldest)
    oldest.kill('CLOSED', 'Cannot keep the sandbox: its place was needed', {})
    return true
  }

  #unblock(): void {
    // A copy: a pool that is still blocked is added again.
    for (const pool of [...this.#blocked]) {
      this.#blocked.delete(pool)
      this.#startWhereNeeded(pool)
    }
  }

  /** Boots (or takes a spare) and loads one sandbox for a pool. */
  async start(pool: VersionPool): Promise<void> {
    pool.starting++
    const { version } = pool
    let sandbox: Sandbox | undefined
    let isSpare = false
    try {
      const bundle = version.loadBundle()
      const since = performance.now()
      const taken = this.#spares.take(memoryClass(version.limits.memoryMb))
      sandbox = taken.sandbox
      isSpare = taken.isSpare
      sandbox.version = version
      pool.sandboxes.add(sandbox)
      // Both are waited for together; neither may become an unhandled rejection when the other fails first.
      const [code] = await Promise.all([bundle, taken.ready])
      if (taken.isNew) sandbox.bootMs = performance.now() - since
      this.#emit(sandbox, 'loading')
      this.#watchdog.watch(sandbox)
      const startedAt = performance.now()
      await sandbox.load(version, code)
      sandbox.loadMs = performance.now() - startedAt
      checkMemory(sandbox)
    } catch (thrown) {
      pool.starting--
      const error = toPlatformError(thrown, 'LOAD_FAILED', 'get the code of the function')
      // A spare that did not come up was started in another minute; these calls have not had their try.
      if (isSpare && error.code === 'SANDBOX_FAILED') return this.start(pool)
      return this.#startFailed(pool, sandbox, error)
    }
    pool.starting--
    pool.started()
    if (sandbox.kind === 'http') this.#servesHttp = true
    sandbox.idleSince = performance.now()
    this.#emit(sandbox, 'idle')
    this.#settleIn(pool, sandbox)
    this.#settled(pool, sandbox)
    this.#spares.fillSoon()
  }

  #startFailed(pool: VersionPool, sandbox: Sandbox | undefined, error: PlatformError): void {
    sandbox?.kill('LOAD_FAILED', 'Cannot use the sandbox: the load failed', {})
    if (error.code !== 'CLOSED') pool.failed(error)
    // Code that failed by itself will fail again; a process that died only takes the calls it was meant for.
    this.#failWaiting(pool, error, error.code === 'LOAD_FAILED' ? Infinity : pool.version.limits.instanceConcurrency)
    this.#startWhereNeeded(pool)
    this.fillSpares()
  }

  #failWaiting(pool: VersionPool, error: PlatformError, count: number): void {
    const failed = pool.waiting.slice(0, count)
    pool.waiting = pool.waiting.slice(failed.length)
    this.#waiting -= failed.length
    for (const call of failed) {
      this.deadlines.delete(call)
      call.place = 'over'
      this.#owner.left(call, pool)
      call.fail(error)
    }
  }

  boot(memoryMb: number): { sandbox: Sandbox; ready: Promise<void> } {
    const { spawn, reaper, bootTimeoutMs } = this.#options
    const spawned = spawn(memoryMb)
    const sandbox = new Sandbox(spawned, memoryMb, this)
    this.#all.add(sandbox)
    if (spawned.pid !== undefined) reaper?.watch(spawned.pid)
    this.#emit(sandbox, 'booting')
    return { sandbox, ready: sandbox.boot(bootTimeoutMs) }
  }

  hasPlace(): boolean {
    return !this.#isClosed && this.#all.size < this.#options.maxSandboxes
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
    const pool = this.pools.get(keyOf(version))
    if (pool === undefined) return
    pool.isRetired = true
    for (const sandbox of pool.sandboxes)
      if (!sandbox.isBusy && sandbox.kind !== undefined) sandbox.kill('CLOSED', 'Cannot keep the sandbox: its version was retired', {})
  }

  #emit(sandbox: Sandbox, state: SandboxEvent['state'], death?: Death): void {
    const { onSandbox } = this.#options
    if (onSandbox === undefined) return
    const { version } = sandbox
    onSandbox({
      pid: sandbox.pid,
      state,
      ...(version === undefined ? {} : { function: version.function, version: version.version }),
      ...(death === undefined ? {} : { reason: death.code }),
    })
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
    const all = [...this.#all]
    for (const sandbox of all) sandbox.kill('CLOSED', 'Cannot finish the invocation: the platform was closed', {})
    await Promise.all(all.map((sandbox) => sandbox.gone()))
    // Calls that still wait for a sandbox will never get one.
    for (const pool of this.pools.values())
      this.#failWaiting(pool, new PlatformError('CLOSED', 'Cannot run the function: the platform was closed'), Infinity)
    this.#watchdog.close()
    this.deadlines.close()
  }
}

function keyOf(version: ExecutableVersion): string {
  return `${version.tenant}\0${version.function}\0${version.version}`
}
