import type { LogEntry } from '@cordon/contracts'
import { logEntryBytes } from '../frames/protocol.ts'

/** The log of one invocation: the first half of the limit and the last half are kept, the middle is dropped. */
export class LogBuffer {
  readonly #half: number
  readonly #head: LogEntry[] = []
  #headBytes = 0
  #tail: { readonly entry: LogEntry; readonly bytes: number }[] = []
  #tailStart = 0
  #tailBytes = 0
  #droppedBytes = 0
  /** Bytes that came in as frames, kept or not, and what each entry costs. */
  receivedBytes = 0

  constructor(limitBytes: number) {
    this.#half = limitBytes / 2
  }

  get droppedBytes(): number {
    return this.#droppedBytes
  }

  /** Whether the sandbox has said what it dropped itself; it does so once. */
  hasCount = false

  /** Adds what the sandbox dropped itself. */
  drop(bytes: number): void {
    this.hasCount = true
    this.#droppedBytes += bytes
  }

  /** Adds an entry; `bytes` are those of its texts as they came in, which is what counts as dropped when it is. */
  add(entry: LogEntry, bytes: number): void {
    const size = bytes + logEntryBytes
    if (this.#tail.length === 0 && this.#headBytes + size <= this.#half) {
      this.#headBytes += size
      this.#head.push(entry)
      return
    }
    this.#tail.push({ entry, bytes })
    this.#tailBytes += size
    while (this.#tailBytes > this.#half && this.#tailStart < this.#tail.length) {
      const dropped = this.#tail[this.#tailStart++]?.bytes ?? 0
      this.#tailBytes -= dropped + logEntryBytes
      this.#droppedBytes += dropped
    }
    // Forget the dropped part now and then, not on every line.
    if (this.#tailStart > 1024 && this.#tailStart * 2 > this.#tail.length) {
      this.#tail = this.#tail.slice(this.#tailStart)
      this.#tailStart = 0
    }
  }

  entries(): LogEntry[] {
    return this.#tail.length === 0 ? this.#head : [...this.#head, ...this.#tail.slice(this.#tailStart).map(({ entry }) => entry)]
  }
}
