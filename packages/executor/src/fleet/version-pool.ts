import type { Bundle, ExecutableVersion } from '@cordon/contracts'
import type { Gate } from '../limiter/gate.ts'
import { Line } from '../limiter/line.ts'
import type { Call } from '../sandbox/call.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import { BackOff } from './back-off.ts'
import type { Start } from './start.ts'

/** Longest pause between starts of a version that fails again and again, in milliseconds. Its code does not change, but what it needs may come. */
const maxPauseMs = 30_000

/** The sandboxes of one version, and the calls that wait for one. */
export class VersionPool {
  readonly key: string
  readonly version: ExecutableVersion
  readonly gate: Gate
  /** Those that live, in the order of their start; the ones on their way included. */
  readonly sandboxes = new Set<Sandbox>()
  /** Loaded sandboxes that can take another call; the last one is the warmest. */
  readonly free: Sandbox[] = []
  /** Calls that were let in and wait for a sandbox. */
  readonly line = new Line<Call>()
  /** Calls that could not begin in the sandbox they were given. Each waits for one in which nothing has run: that cannot end before it begins. */
  readonly returned = new Line<Call>()
  /** Sandboxes on their way. */
  readonly starts = new Set<Start>()
  /** Sandboxes that take no more calls because their place was promised to another version. */
  readonly yielding = new Map<Sandbox, VersionPool>()
  /** Places that were promised to this version. */
  promised = 0
  readonly backOff = new BackOff(maxPauseMs)
  isRetired = false
  /** It was dropped; the next call of its version makes a new one. */
  isForgotten = false
  #bundle: Promise<Bundle> | undefined

  constructor(key: string, version: ExecutableVersion, gate: Gate) {
    this.key = key
    this.version = version
    this.gate = gate
    gate.lines.add(this.line).add(this.returned)
  }

  /** Whether nothing has to be remembered of it: no process, no call, no failure. */
  get isUnused(): boolean {
    const isEmpty = this.sandboxes.size === 0 && this.waiting === 0 && this.starts.size === 0 && this.promised === 0
    return isEmpty && this.backOff.isForgotten
  }

  /** Calls that one sandbox runs at once. */
  get callsPerSandbox(): number {
    const { reuse, instanceConcurrency } = this.version.limits
    return reuse ? instanceConcurrency : 1
  }

  /** Whether a sandbox has run what it may run. */
  isUsedUp(sandbox: Sandbox): boolean {
    return !this.version.limits.reuse && sandbox.served > 0
  }

  /** Calls that were let in and wait for a sandbox, of both kinds. */
  get waiting(): number {
    return this.line.length + this.returned.length
  }

  /** Whether the calls that wait need one more sandbox than is on its way. */
  get needsStart(): boolean {
    // A version that keeps failing is tried with one sandbox.
    if (this.backOff.isActive && this.starts.size > 0) return false
    return !this.#areEnough(this.starts.size + this.promised)
  }

  /** Whether so many new sandboxes are enough for the calls that wait. */
  #areEnough(count: number): boolean {
    return this.returned.length <= count && this.waiting <= count * this.callsPerSandbox
  }

  /** A start that no call would miss: the newest, if there are more than the calls that wait need. */
  get needlessStart(): Start | undefined {
    if (!this.#areEnough(this.starts.size - 1)) return undefined
    let newest: Start | undefined
    for (const start of this.starts) newest = start
    return newest
  }

  /** The code; asked for once, however many sandboxes start at the same time. */
  async loadBundle(): Promise<Bundle> {
    const bundle = (this.#bundle ??= this.version.loadBundle())
    try {
      return await bundle
    } finally {
      if (this.#bundle === bundle) this.#bundle = undefined
    }
  }

  add(sandbox: Sandbox): void {
    this.sandboxes.add(sandbox)
    this.gate.held++
    this.gate.tenant.held++
  }

  /** It is gone, or will be. */
  remove(sandbox: Sandbox): void {
    if (!this.sandboxes.delete(sandbox)) return
    this.gate.held--
    this.gate.tenant.held--
    this.#update(sandbox, false)
  }

  /** Lets a sandbox finish what runs in it and take nothing new. */
  yieldTo(sandbox: Sandbox, other: VersionPool): void {
    this.yielding.set(sandbox, other)
    other.promised++
    this.update(sandbox)
  }

  /** The promise is kept or void; the version it was made to. */
  endYield(sandbox: Sandbox): VersionPool | undefined {
    const other = this.yielding.get(sandbox)
    if (other === undefined) return undefined
    this.yielding.delete(sandbox)
    other.promised--
    return other
  }

  /** A sandbox that can take a call. */
  peekFree(): Sandbox | undefined {
    return this.free.at(-1)
  }

  /** A sandbox that can take this call. */
  peekFreeFor(call: Call): Sandbox | undefined {
    return call.isSecondTry ? this.free.find(({ served }) => served === 0) : this.peekFree()
  }

  /** The line that a call stands in, or has to. */
  lineOf(call: Call): Line<Call> {
    return call.isSecondTry ? this.returned : this.line
  }

  /** Takes the call out of its line whose turn it is; with `sandbox`, of those that it can run. */
  shift(sandbox?: Sandbox): Call | undefined {
    const first = sandbox === undefined || sandbox.served === 0 ? this.returned.shift() : undefined
    return first ?? this.line.shift()
  }

  /** It is dropped. */
  forget(): void {
    this.isForgotten = true
    this.gate.lines.delete(this.line)
    this.gate.lines.delete(this.returned)
  }

  /** Puts a sandbox where it belongs after the number of its calls changed. */
  update(sandbox: Sandbox): void {
    const isTaking = sandbox.death === undefined && sandbox.calls.size < this.callsPerSandbox && !this.isUsedUp(sandbox)
    this.#update(sandbox, isTaking && (this.yielding.size === 0 || !this.yielding.has(sandbox)))
  }

  #update(sandbox: Sandbox, hasRoom: boolean): void {
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
}
