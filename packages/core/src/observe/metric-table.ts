import type { PlatformHealth, PlatformStats } from '@cordon/contracts'
import type { CountedFunction } from './busiest.ts'
import type { Distribution } from './distribution.ts'
import type { Meters } from './meters.ts'

/** What there is to tell at one moment. */
export interface Snapshot {
  readonly meters: Meters
  readonly stats: PlatformStats
  readonly health: PlatformHealth
  readonly tenants: number
  /** Those with series of their own. */
  readonly functions: readonly CountedFunction[]
  /** When the newest backup was begun that this host knows of, in milliseconds since 1970; 0 for none, `undefined` where the host makes none. */
  readonly lastBackupAt: number | undefined
}

/** One value with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One metric: a number, or some with labels. */
export interface ValueMetric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  read(now: Snapshot): readonly Sample[]
}

/** One histogram, without labels. */
export interface HistogramMetric {
  readonly name: string
  readonly help: string
  read(meters: Meters): Distribution
}

/** Everything that is counted or measured but distributions; docs/reference/metrics.md lists the same. */
export const valueMetrics: readonly ValueMetric[] = [
  gauge('cordon_ready', 'Whether calls should be sent to this host, as /health/ready says.', ({ health }) => (health.isReady ? 1 : 0)),
  gauge('cordon_database_up', 'Whether the database answers.', ({ health }) => (health.checks.database ? 1 : 0)),
  {
    ...labelled('counter', 'cordon_invocations_total', 'Invocations that are over, by outcome: success, or the code of the failure.', ['outcome']),
    read: ({ meters }) => samples('outcome', meters.outcomes),
  },
  {
    ...labelled('counter', 'cordon_refusals_total', 'Invocations that a limit refused (OVERLOADED), by whose limit it was.', ['scope']),
    read: ({ meters }) => samples('scope', meters.refusals),
  },
  gauge('cordon_invocations_running', 'Invocations that were let in and are not over.', ({ stats }) => stats.running),
  gauge('cordon_invocations_queued', 'Invocations that the limits of their function or tenant have not let in yet.', ({ stats }) => stats.queued),
  counter('cordon_cold_starts_total', 'Invocations whose code had to be loaded for them.', ({ stats }) => stats.coldStarts),
  {
    ...labelled('gauge', 'cordon_sandboxes', 'Sandboxes, by state.', ['state']),
    read: ({ stats: { sandboxes } }) =>
      (['booting', 'spare', 'idle', 'busy'] as const).map((state) => ({ labels: { state }, value: sandboxes[state] })),
  },
  counter('cordon_sandboxes_ended_total', 'Sandboxes that ended, for whatever reason.', ({ stats }) => stats.killed),
  gauge('cordon_functions', 'Functions that are deployed.', ({ stats }) => stats.functions),
  gauge('cordon_tenants', 'Tenants that this host knows.', ({ tenants }) => tenants),
  {
    ...labelled('counter', 'cordon_deployments_total', 'Changes of what is live that this host made, by kind.', ['kind']),
    read: ({ meters }) => samples('kind', meters.deployments),
  },
  {
    ...labelled('gauge', 'cordon_database_connections', 'Connections of functions to the function database, by state.', ['state']),
    read: ({ stats: { pool } }) => [
      { labels: { state: 'idle' }, value: pool.idle },
      { labels: { state: 'busy' }, value: pool.total - pool.idle },
    ],
  },
  gauge('cordon_database_connections_max', 'Most connections that there may be.', ({ stats }) => stats.pool.max),
  gauge('cordon_database_waiting', 'Queries that wait for a connection.', ({ stats }) => stats.pool.waiting),
  counter('cordon_database_acquires_total', 'Times that a query got a connection.', ({ stats }) => stats.pool.acquire.count),
  counter(
    'cordon_database_acquire_seconds_total',
    'Time that queries waited for connections, added up.',
    ({ stats: { pool } }) => (pool.acquire.count * pool.acquire.meanMs) / 1000,
  ),
  counter('cordon_database_queries_total', 'Round trips to the function database.', ({ stats }) => stats.pool.query.count),
  counter(
    'cordon_database_query_seconds_total',
    'Time that those took, added up.',
    ({ stats: { pool } }) => (pool.query.count * pool.query.meanMs) / 1000,
  ),
  counter('cordon_database_slow_queries_total', 'Those that took database.slowQueryMs or longer.', ({ meters }) => meters.slowQueries),
  counter(
    'cordon_database_stopped_queries_total',
    'Statements that were stopped, at their deadline or because nobody waited any more.',
    ({ stats }) => {
      return stats.pool.cancelled
    },
  ),
  counter('cordon_requests_total', 'Requests that functions made with fetch.', ({ meters }) => meters.requests),
  counter('cordon_requests_sent_bytes_total', 'Bytes of the bodies that functions sent with fetch.', ({ meters }) => meters.sentBytes),
  counter('cordon_requests_received_bytes_total', 'Bytes of the bodies that functions received with fetch.', ({ meters }) => meters.receivedBytes),
  counter('cordon_function_calls_total', 'Calls of functions by functions.', ({ meters }) => meters.functionCalls),
  gauge('cordon_records_buffered', 'Records of invocations that are not written yet.', ({ stats }) => stats.records.buffered),
  counter('cordon_records_dropped_total', 'Records that were lost because they could not be written in time.', ({ stats }) => stats.records.dropped),
  {
    ...labelled('counter', 'cordon_function_invocations_total', 'Invocations of the functions that were called most, by result.', [
      'tenant',
      'function',
      'result',
    ]),
    read: ({ functions }) =>
      functions.flatMap(({ tenant, name, tally }) => [
        { labels: { tenant, function: name, result: 'success' }, value: tally.successes },
        { labels: { tenant, function: name, result: 'failure' }, value: tally.failures },
      ]),
  },
  {
    ...labelled('counter', 'cordon_function_seconds_total', 'Time that they ran, added up.', ['tenant', 'function']),
    read: ({ functions }) => functions.map(({ tenant, name, tally }) => ({ labels: { tenant, function: name }, value: tally.durationMs / 1000 })),
  },
  {
    ...labelled(
      'gauge',
      'cordon_backup_last_timestamp_seconds',
      'When the newest scheduled backup was begun; 0 when there is none, no value where the host makes none.',
      [],
    ),
    read: ({ lastBackupAt }) => (lastBackupAt === undefined ? [] : [{ labels: {}, value: lastBackupAt / 1000 }]),
  },
  counter('cordon_backups_total', 'Scheduled backups that this host made.', ({ meters }) => meters.backups),
  counter('cordon_backup_failures_total', 'Scheduled backups that it could not make.', ({ meters }) => meters.failedBackups),
]

/** What is told as a distribution. */
export const histogramMetrics: readonly HistogramMetric[] = [
  {
    name: 'cordon_invocation_duration_seconds',
    help: 'Time from dispatch to the sandbox to the outcome; what was refused is not in it.',
    read: (meters) => meters.duration,
  },
  { name: 'cordon_invocation_queue_seconds', help: 'Time from acceptance to dispatch.', read: (meters) => meters.queue },
  { name: 'cordon_cold_start_seconds', help: 'Time that a cold start added: process and load.', read: (meters) => meters.coldStart },
]

function counter(name: string, help: string, read: (now: Snapshot) => number): ValueMetric {
  return { ...labelled('counter', name, help, []), read: (now) => [{ labels: {}, value: read(now) }] }
}

function gauge(name: string, help: string, read: (now: Snapshot) => number): ValueMetric {
  return { ...labelled('gauge', name, help, []), read: (now) => [{ labels: {}, value: read(now) }] }
}

function labelled(type: ValueMetric['type'], name: string, help: string, labels: readonly string[]): Omit<ValueMetric, 'read'> {
  return { name, help, type, labels }
}

function samples(label: string, counts: ReadonlyMap<string, number>): Sample[] {
  return Array.from(counts, ([name, value]) => ({ labels: { [label]: name }, value }))
}
