import type { UsedCapabilities } from './records.ts'

/** What one function used on one day. Counted when the records are written, and kept when those are dropped or the function is removed. */
export interface UsageDay extends UsedCapabilities {
  /** `2026-01-31`, UTC: the day on which the invocations began. */
  readonly day: string
  readonly function: string
  readonly invocations: number
  /** Those whose outcome was not `success`. */
  readonly failures: number
  readonly coldStarts: number
  /** Time that they ran, added up, in milliseconds. */
  readonly durationMs: number
  /** CPU time, added up, in milliseconds. */
  readonly cpuMs: number
  /** The largest of them, in MiB. */
  readonly peakMemoryMb: number
  readonly logEntries: number
}

/** Filters of `usage`. */
export interface UsageQuery {
  /** First day, `2026-01-31` or a `Date`. @default 30 days ago */
  readonly since?: string | Date | undefined
  /** Last day. @default today */
  readonly until?: string | Date | undefined
}
