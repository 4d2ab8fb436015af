import type { PlatformError } from '@cordon/contracts'

/**
 * That an invocation is over, told to whatever is under way for it. An AbortController does the same and costs many times as much
 * (docs/decisions/0175).
 */
export class End {
  readonly #listeners = new Set<() => void>()
  readonly #createError: () => PlatformError
  #isReached = false

  /** `createError`: what fails because of it fails with. */
  constructor(createError: () => PlatformError) {
    this.#createError = createError
  }

  get isReached(): boolean {
    return this.#isReached
  }

  /** What to fail with. */
  error(): PlatformError {
    return this.#createError()
  }

  /** Calls `listener` when it is reached, or at once. */
  listen(listener: () => void): void {
    if (this.#isReached) listener()
    else this.#listeners.add(listener)
  }

  ignore(listener: () => void): void {
    this.#listeners.delete(listener)
  }

  reach(): void {
    if (this.#isReached) return
    this.#isReached = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}
