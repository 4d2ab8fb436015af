import type { InvocationRecord, LogEntry, LogLevel, StoredLogEntry } from '@cordon/contracts'

/** Which live entries a follower wants. */
export interface FeedFilter {
  readonly function?: string | undefined
  readonly version?: string | undefined
  readonly level?: LogLevel | undefined
}

/** Entries that wait for a slow follower; past that the oldest are left out. */
const maxWaiting = 10_000
const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Hands new log entries to those who follow the log in this process. */
export class LogFeed {
  readonly #followers = new Set<LogSubscription>()

  /** Costs nothing while nobody follows. */
  publish(record: InvocationRecord, logs: readonly LogEntry[]): void {
    if (this.#followers.size === 0) return
    for (const entry of logs) {
      const stored: StoredLogEntry = { ...entry, function: record.function, version: record.version, invocationId: record.invocationId }
      for (const follower of this.#followers) follower.offer(stored)
    }
  }

  subscribe(filter: FeedFilter): LogSubscription {
    const subscription = new LogSubscription(filter, () => this.#followers.delete(subscription))
    this.#followers.add(subscription)
    return subscription
  }

  /** Ends every follower once it has read what waits for it. */
  close(): void {
    for (const follower of this.#followers) follower.end()
  }
}

/** The live end of one follower: a bounded queue. */
export class LogSubscription {
  readonly #filter: FeedFilter
  readonly #onEnd: () => void
  #waiting: StoredLogEntry[] = []
  #isEnded = false
  #wake: (() => void) | undefined

  constructor(filter: FeedFilter, onEnd: () => void) {
    this.#filter = filter
    this.#onEnd = onEnd
  }

  offer(entry: StoredLogEntry): void {
    const { function: name, version, level } = this.#filter
    if ((name !== undefined && entry.function !== name) || (version !== undefined && entry.version !== version)) return
    if (level !== undefined && severity[entry.level] < severity[level]) return
    if (this.#waiting.length >= maxWaiting) this.#waiting.splice(0, maxWaiting / 10)
    this.#waiting.push(entry)
    this.#wake?.()
  }

  /** Resolves with the entries that wait, as soon as there is one; `undefined` after the end. */
  async take(): Promise<readonly StoredLogEntry[] | undefined> {
    if (this.#waiting.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
    if (this.#waiting.length === 0) return undefined
    const entries = this.#waiting
    this.#waiting = []
    return entries
  }

  /** Leaves out what waits. */
  skip(): void {
    this.#waiting = []
  }

  /** Nothing at all from now on. Idempotent. */
  cancel(): void {
    this.skip()
    this.end()
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Nothing new from now on; what waits can still be taken. Idempotent. */
  end(): void {
    this.#isEnded = true
    this.#onEnd()
    this.#wake?.()
  }
}
