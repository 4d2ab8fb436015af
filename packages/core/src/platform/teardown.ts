/** What has to be undone when the platform stops, or could not start: last in, first out, one failure hides no other step. */
export class Teardown {
  readonly #steps: (() => Promise<void>)[] = []
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  add(step: () => Promise<void>): void {
    this.#steps.push(step)
  }

  async run(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step().catch(this.#onError)
  }
}
