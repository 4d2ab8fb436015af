import { toPlatformError, type PlatformError, type LogEntry } from '@cordon/contracts'
import type { RecordItem } from '../store/record-writer.ts'

/** Bounds and pace of the buffer. */
export interface RecordBufferOptions {
  /** Writes items: all of them or none. */
  readonly write: (items: readonly RecordItem[]) => Promise<void>
  /** Deletes what is too old; called every now and then. Never rejects. */
  readonly prune: () => Promise<void>
  readonly onWarning: (message: string, error?: PlatformError) => void
}

/** Pause between the first record and the batch that holds it: what a killed host can lose. */
const flushMs = 200
/** Rows (invocations and log entries) that wait at most; about 20 s of a busy host without its database. */
const maxRows = 20_000
/** Bytes of log text that wait at most. */
const maxBytes = 32_000_000
/** Invocations per transaction: small enough that one slow batch does not hold a connection for long. */
const batchItems = 400
/** Rows written between two prunings. */
const pruneRows = 50_000

/**
 * Keeps records in memory until a batch is written behind the calls. One writer: batches follow each other, so the
 * order in the store is the order of arrival. When the store is away the oldest records go first.
 */
export class RecordBuffer {
  readonly #options: RecordBufferOptions
  #items: RecordItem[] = []
  #rows = 0
  #bytes = 0
  #dropped = 0
  #writtenSincePrune = 0
  /** Items of the batch that is on its way. */
  #writing = 0
  #isFlushing = false
  #isFailing = false
  #timer: NodeJS.Timeout | undefined
  /** The chain of writes; never rejects. */
  #tail: Promise<void> = Promise.resolve()

  constructor(options: RecordBufferOptions) {
    this.#options = options
  }

  stats(): { readonly buffered: number; readonly dropped: number } {
    return { buffered: this.#items.length + this.#writing, dropped: this.#dropped }
  }

  push(item: RecordItem): void {
    const { logs } = item
    this.#items.push(item)
    this.#rows += 1 + logs.length
    if (logs.length > 0) this.#bytes += logBytes(logs)
    if (this.#rows > maxRows || this.#bytes > maxBytes) this.#dropOldest()
    this.#timer ??= setTimeout(this.#onTimer, flushMs)
  }

  /** Writes everything that was pushed so far; a failed batch is kept for the next try. */
  flush(): Promise<void> {
    return this.barrier(nothing)
  }

  /** Runs `read` when everything pushed so far is in the store; rejects with the failure when it could not be written. */
  afterFlush<T>(read: () => Promise<T>, onTaken?: () => void): Promise<T> {
    return this.barrier((failure) => (failure === undefined ? read() : Promise.reject(failure)), onTaken)
  }

  /**
   * Runs `run` after a batch with everything pushed so far was written (`failure`: or could not be), and before the next one is.
   * `onTaken` is called at the moment that separates the two.
   */
  barrier<T>(run: (failure: PlatformError | undefined) => Promise<T>, onTaken?: () => void): Promise<T> {
    // Taken when its turn comes: what waits behind a slow write stays under the bounds.
    const result = this.#tail.then(async () => {
      const items = this.#take()
      onTaken?.()
      this.#writing = items.length
      const failure = await this.#write(items)
      this.#writing = 0
      return run(failure)
    })
    this.#tail = result.then(ignore, ignore)
    return result
  }

  /** Resolves when everything pushed so far is in the store. @throws PlatformError STORE_UNAVAILABLE when it could not be written */
  written(): Promise<void> {
    return this.afterFlush(nothing)
  }

  /** Forgets what is buffered of a function, or of a whole tenant, that is being removed. */
  forget(tenant: string, name?: string): void {
    const kept = this.#items.filter((item) => item.tenant !== tenant || (name !== undefined && item.record.function !== name))
    this.#take()
    for (const item of kept) this.push(item)
  }

  /** Writes what is left. What cannot be written now is lost, and said. */
  async close(): Promise<void> {
    await this.flush()
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#items.length > 0) this.#options.onWarning(`Cannot write ${this.#items.length} invocation records before closing: they are lost`)
    this.#take()
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    // One flush in the chain is enough; what comes meanwhile is part of it.
    if (!this.#isFlushing) void this.#flushBehind()
  }

  async #flushBehind(): Promise<void> {
    this.#isFlushing = true
    await this.flush()
    this.#isFlushing = false
    if (this.#items.length > 0) this.#timer ??= setTimeout(this.#onTimer, flushMs)
  }

  #take(): RecordItem[] {
    const items = this.#items
    this.#items = []
    this.#rows = 0
    this.#bytes = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
    return items
  }

  async #write(items: readonly RecordItem[]): Promise<PlatformError | undefined> {
    for (let at = 0; at < items.length; at += batchItems) {
      const batch = items.slice(at, at + batchItems)
      try {
        await this.#options.write(batch)
        this.#isFailing = false
        this.#writtenSincePrune += batch.length
      } catch (thrown) {
        const error = toPlatformError(thrown, 'STORE_UNAVAILABLE', 'write invocation records')
        // A batch that the database refuses for what is in it would be refused for ever.
        if (!isRefusal(error)) {
          this.#putBack(items.slice(at), error)
          return error
        }
        this.#dropped += batch.length
        this.#options.onWarning(`Cannot write ${batch.length} invocation records: ${error.message}`, error)
      }
    }
    if (this.#writtenSincePrune < pruneRows) return undefined
    this.#writtenSincePrune = 0
    await this.#options.prune()
    return undefined
  }

  #putBack(items: readonly RecordItem[], error: PlatformError): void {
    const later = this.#take()
    for (const item of [...items, ...later]) this.push(item)
    if (this.#isFailing) return
    this.#isFailing = true
    this.#options.onWarning(`Cannot write invocation records: they are kept in memory and tried again (${error.message})`, error)
  }

  #dropOldest(): void {
    // A tenth at once, so that a full buffer does not move its whole array for every record.
    const gone = this.#items.splice(0, Math.ceil(this.#items.length / 10))
    for (const { logs } of gone) {
      this.#rows -= 1 + logs.length
      this.#bytes -= logBytes(logs)
    }
    if (this.#dropped === 0 || !this.#isFailing) {
      this.#options.onWarning(`Cannot keep more invocation records: the store is too slow or away, the oldest ${gone.length} are dropped`)
      this.#isFailing = true
    }
    this.#dropped += gone.length
  }
}

/** True when the database answered and said no: classes 22 and 23 (data), 42 (schema) of the SQLSTATEs. */
function isRefusal({ retryable, details }: PlatformError): boolean {
  const { sqlState } = details
  return !retryable || (typeof sqlState === 'string' && /^(22|23|42)/.test(sqlState))
}

function logBytes(logs: readonly LogEntry[]): number {
  let bytes = 0
  for (const { message } of logs) bytes += message.length
  return bytes
}

function ignore(): void {}

async function nothing(): Promise<void> {}
