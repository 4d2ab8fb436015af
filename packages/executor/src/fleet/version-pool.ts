import type { ExecutableVersion, PlatformError } from '@cordon/contracts'
import type { Gate } from '../limiter/gate.ts'
import type { Call } from '../sandbox/call.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'

/** Loads that failed one after the other before further ones are spaced out, and the spacing in milliseconds. */
const patience = 3
const firstBackOffMs = 100
const maxBackOffMs = 5000

/** The sandboxes of one version, and the calls that wait for one. */
export class VersionPool {
  readonly key: string
  readonly version: ExecutableVersion
  readonly gate: Gate
  readonly sandboxes = new Set<Sandbox>()
  /** Loaded sandboxes that can take another call; the last one is the warmest. */
  readonly free: Sandbox[] = []
  waiting: Call[] = []
  /** Sandboxes on their way. */
  starting = 0
  isRetired = false
  #failures = 0
  #failedAt = 0
  #failure: PlatformError | undefined

  constructor(key: string, version: ExecutableVersion, gate: Gate) {
    this.key = key
    this.version = version
    this.gate = gate
  }

  get isEmpty(): boolean {
    return this.sandboxes.size === 0 && this.waiting.length === 0 && this.starting === 0
  }

  /** Whether the calls that wait need one more sandbox than is on its way. */
  get needsStart(): boolean {
    return this.waiting.length > this.starting * this.version.limits.instanceConcurrency
  }

  /** A sandbox that can take a call. */
  peekFree(): Sandbox | undefined {
    return this.free.at(-1)
  }

  /** Puts a sandbox where it belongs after the number of its calls changed. */
  update(sandbox: Sandbox): void {
    const hasRoom = !sandbox.isDead && sandbox.death === undefined && sandbox.calls.size < this.version.limits.instanceConcurrency
    const isLast = this.free.at(-1) === sandbox
    if (hasRoom) {
      if (!isLast && !this.free.includes(sandbox)) this.free.push(sandbox)
    } else if (isLast) {
      this.free.pop()
    } else {
      const index = this.free.indexOf(sandbox)
      if (index >= 0) this.free.splice(index, 1)
    }
  }

  /** A load succeeded. */
  started(): void {
    this.#failures = 0
    this.#failure = undefined
  }

  /** A load failed. */
  failed(error: PlatformError): void {
    this.#failures++
    this.#failedAt = performance.now()
    this.#failure = error
  }

  /** The last failure, while it is too early to try again. */
  get recentFailure(): PlatformError | undefined {
    if (this.#failures < patience) return undefined
    const backOffMs = Math.min(maxBackOffMs, firstBackOffMs * 2 ** (this.#failures - patience))
    return performance.now() - this.#failedAt < backOffMs ? this.#failure : undefined
  }
}
