import { Readable } from 'node:stream'

/** Bytes that are held for a connection that does not take them yet. */
const windowBytes = 65_536

/** A request body that comes piece by piece. */
export class Upload {
  readonly stream: Readable
  /** Who waits for the connection to take more. */
  #waiting: (() => void)[] = []
  #isEnded = false

  constructor() {
    this.stream = new Readable({ highWaterMark: windowBytes, read: () => this.#wake() })
    // Whoever reads it says why it failed.
    this.stream.on('error', () => undefined)
    this.stream.on('close', () => this.#wake())
  }

  /** Adds a piece; resolves when the next may come. */
  async write(bytes: Uint8Array, isLast: boolean): Promise<void> {
    if (this.#isEnded || this.stream.destroyed) return
    const hasRoom = bytes.length === 0 || this.stream.push(bytes)
    if (isLast) {
      this.#isEnded = true
      this.stream.push(null)
    } else if (!hasRoom) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
