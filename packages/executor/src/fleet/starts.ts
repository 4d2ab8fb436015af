import { toPlatformError, type PlatformError } from '@cordon/contracts'
import { CodeCaches } from '../code-cache/code-caches.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import { checkMemory } from '../sandbox/watchdog.ts'
import type { BootOptions } from './boots.ts'
import { memoryClass } from './memory-class.ts'
import type { Population } from './population.ts'
import type { Spares } from './spares.ts'
import { Start } from './start.ts'
import type { VersionPool } from './version-pool.ts'
import type { VersionPools } from './version-pools.ts'
import type { WaitingCalls } from './waiting-calls.ts'

/** What is told about starts. */
export interface StartOwner {
  /** A version is loaded into a sandbox. */
  started(pool: VersionPool, sandbox: Sandbox): void
  /** It is not; the calls that were meant for it have failed. */
  startFailed(pool: VersionPool): void
}

/** Brings versions into sandboxes, one at a time for each, and says what it means when that fails. */
export class Starts {
  readonly #population: Population
  readonly #spares: Spares
  readonly #waiting: WaitingCalls
  readonly #options: BootOptions
  readonly #owner: StartOwner
  readonly #codeCaches: CodeCaches
  /** Versions whose last start failed. */
  readonly #failing = new Set<VersionPool>()

  constructor(parts: { population: Population; spares: Spares; waiting: WaitingCalls }, options: BootOptions, owner: StartOwner) {
    this.#population = parts.population
    this.#spares = parts.spares
    this.#waiting = parts.waiting
    this.#options = options
    this.#owner = owner
    this.#codeCaches = new CodeCaches(options)
  }

  /** Boots a sandbox (or takes a spare) and loads a version into it. Never rejects. */
  async start(pool: VersionPool): Promise<void> {
    const start = new Start()
    pool.starts.add(start)
    let sandbox: Sandbox
    try {
      sandbox = await this.#load(pool, start)
    } catch (thrown) {
      return this.#startFailed(pool, start, toPlatformError(thrown, 'LOAD_FAILED', 'get the code of the function'))
    }
    pool.starts.delete(start)
    if (sandbox.kind === 'http') this.#spares.serveHttp = true
    sandbox.idleSince = performance.now()
    this.#population.report(sandbox, 'idle')
    this.#owner.started(pool, sandbox)
  }

  async #load(pool: VersionPool, start: Start): Promise<Sandbox> {
    const { version } = pool
    const { sandbox, ready, isNew, isSpare } = this.#spares.take(memoryClass(version.limits.memoryMb))
    start.sandbox = sandbox
    start.isNew = isNew
    start.isSpare = isSpare
    sandbox.version = version
    sandbox.startedAt = start.since
    pool.add(sandbox)
    // Both are waited for together; neither may become an unhandled rejection when the other fails first.
    const [code] = await Promise.all([pool.loadBundle(), ready])
    start.booted()
    if (isNew) sandbox.bootMs = performance.now() - start.since
    this.#population.report(sandbox, 'loading')
    this.#population.watchdog.watch(sandbox)
    await this.#codeCaches.load(sandbox, version, code)
    checkMemory(sandbox)
    return sandbox
  }

  #startFailed(pool: VersionPool, start: Start, error: PlatformError): void {
    pool.starts.delete(start)
    start.sandbox?.kill('LOAD_FAILED', 'Cannot use the sandbox: the load failed', {})
    // A spare that did not come up was started in another minute; these calls have not had their try.
    if (!start.isStopped && !(start.isSpare && error.code === 'SANDBOX_FAILED')) {
      if (error.code !== 'CLOSED' && error.code !== 'SANDBOX_FAILED') this.failed(pool, error, start.since)
      // Code that failed by itself will fail again; a process that died only takes the calls it was meant for.
      this.#waiting.fail(pool, error, error.code === 'LOAD_FAILED' ? Infinity : pool.callsPerSandbox, start)
    }
    this.#owner.startFailed(pool)
  }

  /** A start of a version failed, or what was started crashed at once. */
  failed(pool: VersionPool, error: PlatformError, startedAt: number): void {
    this.#failing.add(pool)
    if (!pool.backOff.fail(error, startedAt)) return
    const { function: name, version } = pool.version
    this.#options.onWarning?.(`The function "${name}" (${version}) fails again and again when it is started: further starts are spaced out`, error)
  }

  /** A version can run; `true` when that is news. */
  succeeded(pool: VersionPool): boolean {
    if (!this.#failing.delete(pool)) return false
    pool.backOff.succeed()
    return true
  }

  /** Why no sandbox is started for a version at this moment. */
  refusal({ version, backOff }: VersionPool): PlatformError | undefined {
    const failing = backOff.refusal(`run the function "${version.function}" now`)
    if (failing !== undefined || this.#spares.hasSize(memoryClass(version.limits.memoryMb))) return failing
    return this.#population.boots.backOff.refusal('start a sandbox')
  }

  /** Forgets failures that are so old that they say nothing. */
  sweep(pools: VersionPools): void {
    for (const pool of this.#failing) {
      if (!pool.backOff.isForgotten) continue
      this.#failing.delete(pool)
      pools.forgetIfUnused(pool)
    }
  }

  /** Makes no code cache any more; resolves when no process of one is left. */
  close(): Promise<void> {
    return this.#codeCaches.close()
  }
}
