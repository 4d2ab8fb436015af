import type { StoredLogEntry } from '@cordon/contracts'
import type { RecordFilter, RecordPlace, RecordReader } from '../store/record-reader.ts'
import type { LogFeed, LogSubscription } from './log-feed.ts'
import type { RecordBuffer } from './record-buffer.ts'

/** What following needs of the platform. */
export interface FollowParts {
  readonly feed: LogFeed
  readonly buffer: RecordBuffer
  readonly reader: RecordReader
}

/** Rows read at once while a follower catches up. */
const catchUpRows = 500

/**
 * Log entries as they arrive, after those since `filter.since` when it is given; nothing twice, nothing left out.
 * Each iteration follows on its own, from the moment it starts; it ends with `signal` or with the platform.
 */
export function followLogs(parts: FollowParts, filter: RecordFilter, signal: AbortSignal | undefined): AsyncIterable<StoredLogEntry> {
  return {
    [Symbol.asyncIterator]() {
      const subscription = parts.feed.subscribe(filter)
      // What was pushed before the batch was taken is in the store at the boundary; what comes later is in the subscription.
      const boundary =
        filter.since === undefined
          ? undefined
          : parts.buffer.afterFlush(
              () => parts.reader.lastSeq(),
              () => subscription.skip(),
            )
      boundary?.catch(() => {})
      const end = (): void => subscription.cancel()
      if (signal?.aborted === true) end()
      else signal?.addEventListener('abort', end, { once: true })
      const entries = follow(parts.reader, filter, subscription, boundary)
      return {
        next: () => entries.next(),
        async return() {
          signal?.removeEventListener('abort', end)
          end()
          await entries.return(undefined)
          return { done: true, value: undefined }
        },
      }
    },
  }
}

async function* follow(
  reader: RecordReader,
  filter: RecordFilter,
  subscription: LogSubscription,
  boundary: Promise<number> | undefined,
): AsyncGenerator<StoredLogEntry, undefined> {
  try {
    if (boundary !== undefined) {
      const upTo = await boundary
      let after: RecordPlace | undefined
      for (let isMore = true; isMore && !subscription.isEnded;) {
        const page = await reader.logsAfter({ ...filter, before: undefined, limit: catchUpRows }, after, upTo)
        yield* page.entries
        after = page.last
        isMore = page.entries.length === catchUpRows
      }
    }
    for (let entries = await subscription.take(); entries !== undefined; entries = await subscription.take()) yield* entries
    return undefined
  } finally {
    subscription.cancel()
  }
}
