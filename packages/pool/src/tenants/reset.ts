import type { Submittable } from 'pg'

/** Makes a session new: settings, prepared statements, cursors, channels, temporary tables (PostgreSQL manual, DISCARD). Refused inside of a transaction. */
export const resetText = 'DISCARD ALL'

/**
 * Takes the answer to the `resetText` that a `Pipeline` wrote behind its steps, so that the server begins with it at once and the connection is free one round trip earlier.
 * It is refused when the steps left a transaction open.
 */
export class Reset implements Submittable {
  /** Whether the session is new. Never rejects. */
  readonly result: Promise<boolean>
  #hasFailed = false
  #settle: (isNew: boolean) => void = () => undefined

  constructor() {
    this.result = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  submit(): null {
    return null
  }

  handleCommandComplete(): void {
    // What counts is the end.
  }

  handleError(): void {
    this.#hasFailed = true
    this.#settle(false)
  }

  handleReadyForQuery(): void {
    this.#settle(!this.#hasFailed)
  }
}
