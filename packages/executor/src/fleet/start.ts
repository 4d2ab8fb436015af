import type { Call } from '../sandbox/call.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'

/** One sandbox on its way to a version: from the decision to the loaded code. */
export class Start {
  readonly since = performance.now()
  sandbox: Sandbox | undefined
  /** Whether its process was not up yet. */
  isNew = false
  /** Whether it was started for whoever comes first. */
  isSpare = false
  /** It was given up; its end says nothing about the version. */
  isStopped = false
  #bootedAt = 0

  /** The runtime is up. */
  booted(): void {
    this.#bootedAt = performance.now()
  }

  /** Gives it up because no call would miss it. */
  stop(): void {
    this.isStopped = true
    this.sandbox?.kill('CLOSED', 'Cannot go on with the start: nobody waits for it any more', {})
  }

  /** Writes what a call has spent on it so far to the call, for one that will not run: time, and the sandbox for its memory. */
  measure(call: Call): void {
    const now = performance.now()
    const bootedAt = this.#bootedAt === 0 ? now : this.#bootedAt
    call.isCold = true
    call.sandbox = this.sandbox
    if (this.isNew) call.bootMs = Math.max(0, bootedAt - Math.max(this.since, call.acceptedAt))
    call.loadMs = Math.max(0, now - Math.max(bootedAt, call.acceptedAt))
  }
}
