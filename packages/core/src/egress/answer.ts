import type { Dispatcher } from 'undici'

/** Bytes of a body that are held before the connection is made to wait. */
const windowBytes = 65_536
/** What a chunk takes in memory besides its bytes, about: a server may send them one by one. */
const chunkBytes = 256

/** Head of an answer. */
export interface AnswerHead {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly (readonly [string, string])[]
}

/** A piece of a body; empty only at its end. */
export interface Piece {
  readonly bytes: Buffer
  readonly isLast: boolean
}

/** The answer to one request as it comes in. What is not read yet stays with the server, but for a window. */
export class Answer implements Dispatcher.DispatchHandler {
  readonly head: Promise<AnswerHead>
  /** Resolves when nothing more comes in, for whatever reason. */
  readonly closed: Promise<void>
  readonly #count: (bytes: number) => void
  #resolveHead: (head: AnswerHead) => void = () => {}
  #rejectHead: (error: unknown) => void = () => {}
  #close: () => void = () => {}
  #controller: Dispatcher.DispatchController | undefined
  #chunks: Buffer[] = []
  #heldBytes = 0
  #isComplete = false
  #error: Error | undefined
  /** Who waits for more to come in. */
  #waiting: (() => void)[] = []

  /** `count` hears of every byte that comes in, and throws when there are too many. */
  constructor(count: (bytes: number) => void) {
    this.#count = count
    this.closed = new Promise((resolve) => (this.#close = resolve))
    this.head = new Promise((resolve, reject) => {
      this.#resolveHead = resolve
      this.#rejectHead = reject
    })
    // It may fail before anybody waits for it.
    this.head.catch(() => undefined)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#error !== undefined) controller.abort(this.#error)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Readonly<Record<string, unknown>>, statusText = ''): void {
    if (status < 200) return
    // No `Response` can have it.
    if (status > 599) return this.abort(new Error(`the status ${status} is none`))
    const list = Object.entries(headers).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value]).map((one) => [name, printable(String(one))] as const),
    )
    this.#resolveHead({ status, statusText: printable(statusText), headers: list })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    try {
      this.#count(chunk.length)
    } catch (error) {
      return this.abort(error instanceof Error ? error : new Error('too many bytes'))
    }
    this.#chunks.push(chunk)
    this.#heldBytes += chunk.length + chunkBytes
    if (this.#heldBytes >= windowBytes) controller.pause()
    this.#wake()
  }

  onResponseEnd(): void {
    this.#isComplete = true
    this.#close()
    this.#wake()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error)
  }

  /** Ends it; whoever waits for anything of it gets the error. */
  abort(error: Error): void {
    if (this.#isComplete || this.#error !== undefined) return
    this.#fail(error)
    this.#controller?.abort(error)
  }

  #fail(error: Error): void {
    this.#error ??= error
    this.#rejectHead(this.#error)
    this.#close()
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  /** Whether all of it has come in. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** What has come in since it was last asked, which may be nothing. @throws the error that ended it */
  take(): Piece {
    if (this.#error !== undefined) throw this.#error
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks)
    const isLast = this.#isComplete
    const isPaused = this.#heldBytes >= windowBytes
    this.#chunks = []
    this.#heldBytes = 0
    // More may come in before this returns.
    if (isPaused && !isLast) this.#controller?.resume()
    return { bytes, isLast }
  }

  /** The next piece, as soon as there is one; of several that wait, the first gets it. @throws the error that ended it */
  async read(): Promise<Piece> {
    while (this.#chunks.length === 0 && !this.#isComplete && this.#error === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    return this.take()
  }
}

/** Without what no `Headers` takes: servers send bytes of any kind. */
function printable(text: string): string {
  return text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')
}
