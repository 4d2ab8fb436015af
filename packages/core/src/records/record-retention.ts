import { toPlatformError, type PlatformError, type RecordOptions } from '@cordon/contracts'
import type { RecordPartitions } from '../store/record-partitions.ts'

/** What retention needs. */
export interface RecordRetentionParts {
  readonly partitions: RecordPartitions
  readonly options: RecordOptions
  readonly onWarning: (message: string, error?: PlatformError) => void
}

/** Time between two looks, in milliseconds; a host that writes much looks more often. */
const everyMs = 3_600_000
/** Bytes of a MiB. */
const mebibyte = 1_048_576

/** Drops the days of records that are too old or too much: soon after the start, every hour, and when `run` is called. */
export class RecordRetention {
  readonly #parts: RecordRetentionParts
  readonly #timer: NodeJS.Timeout
  #running: Promise<void> | undefined
  #isWarned = false

  constructor(parts: RecordRetentionParts) {
    this.#parts = parts
    this.#timer = setInterval(() => void this.run(), everyMs)
    this.#timer.unref()
    setImmediate(() => void this.run())
  }

  /** Never rejects: what cannot be dropped now is dropped the next time. */
  run(): Promise<void> {
    this.#running ??= this.#drop().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  async #drop(): Promise<void> {
    const { partitions, options, onWarning } = this.#parts
    const keepBytes = options.keepMb * mebibyte
    try {
      const bytes = await partitions.drop({ keepDays: options.keepDays, keepBytes }, Date.now())
      const isTooMuch = bytes > keepBytes
      if (isTooMuch && !this.#isWarned) {
        onWarning(
          `Cannot keep records below ${options.keepMb} MiB: those of today alone take ${Math.round(bytes / mebibyte)}, and whole days are dropped`,
        )
      }
      this.#isWarned = isTooMuch
    } catch (thrown) {
      const error = toPlatformError(thrown, 'STORE_UNAVAILABLE', 'drop old records')
      if (error.code !== 'CLOSED') onWarning(error.message, error)
    }
  }
}
