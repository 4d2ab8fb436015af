import { PlatformError } from '@cordon/contracts'

/** Starts in a row that may fail before the next ones are spaced out. */
const patience = 3
/** The first pause; every further failure doubles it, up to the longest, in milliseconds. */
const firstPauseMs = 100
/** Failures that are older say nothing about the next start, in milliseconds. */
const forgetMs = 60_000

/** Spaces out starts that fail one after the other. */
export class BackOff {
  readonly #maxPauseMs: number
  #failures = 0
  #failedAt = 0
  #error: PlatformError | undefined

  constructor(maxPauseMs: number) {
    this.#maxPauseMs = maxPauseMs
  }

  /** Whether starts are spaced out: only one at a time is tried. */
  get isActive(): boolean {
    return this.#failures >= patience
  }

  /** Time until the next start may be tried, in milliseconds; 0 when it may be tried now. */
  get pauseMs(): number {
    if (!this.isActive) return 0
    const pauseMs = Math.min(this.#maxPauseMs, firstPauseMs * 2 ** (this.#failures - patience))
    return Math.max(0, Math.ceil(this.#failedAt + pauseMs - performance.now()))
  }

  /** Whether the failures are so old, or none, that nothing needs to be known of them. */
  get isForgotten(): boolean {
    return this.#failures === 0 || performance.now() - this.#failedAt > forgetMs
  }

  /**
   * A start that began at `startedAt` (on the clock of `performance.now()`) failed; starts side by side count once.
   * `true` when starts are spaced out from now on.
   */
  fail(error: PlatformError, startedAt: number): boolean {
    if (startedAt < this.#failedAt) return false
    if (this.isForgotten) this.#failures = 0
    this.#failures++
    this.#failedAt = performance.now()
    this.#error = error
    return this.#failures === patience
  }

  succeed(): void {
    this.#failures = 0
    this.#error = undefined
  }

  /** The refusal of what needs a start now, with the code of the last failure; `undefined` when a start may be tried. */
  refusal(act: string): PlatformError | undefined {
    const { pauseMs } = this
    const error = this.#error
    if (pauseMs === 0 || error === undefined) return undefined
    const failures = this.#failures
    return new PlatformError(
      error.code,
      `Cannot ${act}: the last ${failures} starts failed, most recently with ${error.code} (${error.message}); the next one is tried in ${pauseMs} ms`,
      { details: { ...error.details, failures, retryAfterMs: pauseMs }, cause: error },
    )
  }
}
