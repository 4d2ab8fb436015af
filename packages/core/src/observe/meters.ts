import type { InvocationRecord, OutcomeKind, PlatformError, PlatformEvents } from '@cordon/contracts'
import { Distribution } from './distribution.ts'

/** What a function did since it was put into memory; it is gone with the function. */
export interface FunctionTally {
  successes: number
  failures: number
  durationMs: number
}

/** A function that did nothing yet. */
export function newTally(): FunctionTally {
  return { successes: 0, failures: 0, durationMs: 0 }
}

/** From one warm round trip (a tenth of a millisecond and more) to a minute, in seconds. */
const callBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** From the load of a small bundle (about a millisecond) to the longest loads, in seconds. */
const startBounds = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Counts what happens on a host, since its start. Plain numbers: a call must not pay for metrics that nobody reads. */
export class Meters {
  readonly outcomes = new Map<OutcomeKind, number>()
  /** Calls that a limit refused, by whose it was. */
  readonly refusals = new Map<string, number>()
  readonly deployments = new Map<PlatformEvents['deployment']['kind'], number>()
  readonly duration = new Distribution(callBounds)
  readonly queue = new Distribution(callBounds)
  readonly coldStart = new Distribution(startBounds)
  requests = 0
  sentBytes = 0
  receivedBytes = 0
  functionCalls = 0
  slowQueries = 0
  backups = 0
  failedBackups = 0

  /** An invocation is over. */
  invoked(record: InvocationRecord, error: PlatformError | undefined, tally: FunctionTally): void {
    const { outcome, durationMs, used } = record
    count(this.outcomes, outcome)
    if (error === undefined) tally.successes++
    else tally.failures++
    tally.durationMs += durationMs
    this.queue.add(record.queueMs)
    // What was refused or given up before it ran did not take any time.
    if (durationMs > 0) this.duration.add(durationMs)
    if (record.coldStart) this.coldStart.add(record.bootMs + record.loadMs)
    if (error?.code === 'OVERLOADED') count(this.refusals, String(error.details['scope'] ?? 'host'))
    this.requests += used.requests
    this.sentBytes += used.sentBytes
    this.receivedBytes += used.receivedBytes
    this.functionCalls += used.functionCalls
  }

  deployed(kind: PlatformEvents['deployment']['kind']): void {
    count(this.deployments, kind)
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
