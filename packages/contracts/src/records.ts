import type { ErrorCode } from './errors/table.ts'

/** Severity of a log entry. `console.log` counts as `info`. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One line that a function logged. Data only: control characters are escaped where it is displayed. */
export interface LogEntry {
  readonly level: LogLevel
  readonly message: string
  /** Structured fields of `ctx.log.<level>(message, fields)`. */
  readonly fields?: Readonly<Record<string, unknown>>
  /**
   * Where it was logged, `file:line:column` in the user's own files (1-based), as far as that is known; functions can forge it. A
   * logging package is passed over for the code that called it.
   */
  readonly location?: string
  /** Milliseconds since 1970, by the host's clock when the entry arrived. */
  readonly time: number
}

/** A stored log entry. */
export interface StoredLogEntry extends LogEntry {
  readonly function: string
  readonly version: string
  readonly invocationId: string
}

/** Where the time and memory of an invocation went. Times in whole microseconds, given in milliseconds. */
export interface Measures {
  /** Time in the queue in milliseconds. */
  readonly queueMs: number
  /** Time to start a process for it, 0 when one was there. */
  readonly bootMs: number
  /** Time to load the code, 0 for a warm start. */
  readonly loadMs: number
  /** Time from dispatch to the sandbox to the outcome. */
  readonly durationMs: number
  /**
   * CPU time of the sandbox during the invocation, all threads; shared when several run in it at once. Read by the host
   * from /proc, in steps of 10 ms, when the call ran longer than 25 ms; what the sandbox reports, bounded by the wall
   * time on all cores, for shorter calls and where there is no /proc.
   */
  readonly cpuMs: number
  /** Largest resident memory of the sandbox that was seen, in MiB; looked at every 25 ms, 0 where there is no /proc. */
  readonly peakMemoryMb: number
  readonly coldStart: boolean
}

/** What an invocation used of what is outside its sandbox, as the host counted it. */
export interface UsedCapabilities {
  /** Requests that it made with `fetch`; redirects are not counted, what was refused is not either. */
  readonly requests: number
  /** Bytes of the bodies that it sent with `fetch`, as they were on the wire; one that a redirect asked for again counts again. */
  readonly sentBytes: number
  /** Bytes of the bodies that it received with `fetch`, as they were on the wire. */
  readonly receivedBytes: number
  /** Calls that it made of other functions. Those have records of their own. */
  readonly functionCalls: number
  /** Statements that it sent to the function database. */
  readonly queries: number
}

/** What most invocations used: one object for all of them. */
export const nothingUsed: UsedCapabilities = Object.freeze({ requests: 0, sentBytes: 0, receivedBytes: 0, functionCalls: 0, queries: 0 })

/** `success`, or the code of the failure. */
export type OutcomeKind = 'success' | ErrorCode

/** A stored invocation. */
export interface InvocationRecord extends Measures {
  readonly invocationId: string
  readonly function: string
  readonly version: string
  readonly outcome: OutcomeKind
  /** Message of the failure. */
  readonly message?: string
  /** Id of the user on whose behalf it ran. */
  readonly userId?: string
  /** Id of the invocation whose function called this one with `ctx.functions`. */
  readonly parentId?: string
  /** Id of the trace that it belongs to, 32 hexadecimal digits, when there is one. */
  readonly traceId?: string
  readonly used: UsedCapabilities
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Log bytes that were not kept. */
  readonly droppedLogBytes: number
}

/** One page of a list; `next` is the cursor of the following page, `null` at the end. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}
