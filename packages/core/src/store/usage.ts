import { nothingUsed, type UsageDay, type UsedCapabilities } from '@cordon/contracts'
import { dayMs, dayOf } from './record-partitions.ts'
import type { RecordItem } from './record-writer.ts'
import { numberOf, textOf } from './row.ts'
import type { Row, Sql } from './sql.ts'

/** What one function of a tenant used on one day. */
export type UsageRow = UsageDay & { readonly tenant: string }

/** Sums of a batch by tenant, day and function, in one order for all hosts: two that wait for each other's rows would never end. */
export function usageOf(items: readonly RecordItem[]): readonly UsageRow[] {
  const sums = new Map<string, { -readonly [K in keyof UsageRow]: UsageRow[K] }>()
  for (const { tenant, record, logs } of items) {
    const day = dayOf(record.startedAt)
    // Neither a tenant nor a function has a space in its name.
    const key = `${tenant} ${day} ${record.function}`
    let sum = sums.get(key)
    if (sum === undefined) {
      const none = { invocations: 0, failures: 0, coldStarts: 0, durationMs: 0, cpuMs: 0, peakMemoryMb: 0, logEntries: 0, ...nothingUsed }
      sum = { tenant, day: new Date(day * dayMs).toISOString().slice(0, 10), function: record.function, ...none }
      sums.set(key, sum)
    }
    sum.invocations += 1
    if (record.outcome !== 'success') sum.failures += 1
    if (record.coldStart) sum.coldStarts += 1
    sum.durationMs += record.durationMs
    sum.cpuMs += record.cpuMs
    sum.peakMemoryMb = Math.max(sum.peakMemoryMb, record.peakMemoryMb)
    sum.logEntries += logs.length
    addUsed(sum, record.used)
  }
  return [...sums.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum)
}

function addUsed(sum: { -readonly [K in keyof UsedCapabilities]: number }, used: UsedCapabilities): void {
  if (used === nothingUsed) return
  sum.requests += used.requests
  sum.sentBytes += used.sentBytes
  sum.receivedBytes += used.receivedBytes
  sum.functionCalls += used.functionCalls
  sum.queries += used.queries
}

/** Adds to the sums of the days. */
export async function writeUsage(tx: Sql, rows: readonly UsageRow[]): Promise<void> {
  await tx.query(
    `insert into cordon.usage as u (tenant, day, function, invocations, failures, cold_starts, duration_ms, cpu_ms, peak_memory_mb, log_entries, requests, sent_bytes, received_bytes, function_calls, queries)
    select * from unnest($1::text[], $2::date[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::float8[], $8::float8[], $9::real[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
    on conflict (tenant, day, function) do update set invocations = u.invocations + excluded.invocations, failures = u.failures + excluded.failures,
      cold_starts = u.cold_starts + excluded.cold_starts, duration_ms = u.duration_ms + excluded.duration_ms, cpu_ms = u.cpu_ms + excluded.cpu_ms,
      peak_memory_mb = greatest(u.peak_memory_mb, excluded.peak_memory_mb), log_entries = u.log_entries + excluded.log_entries,
      requests = u.requests + excluded.requests, sent_bytes = u.sent_bytes + excluded.sent_bytes, received_bytes = u.received_bytes + excluded.received_bytes,
      function_calls = u.function_calls + excluded.function_calls, queries = u.queries + excluded.queries`,
    [
      rows.map((one) => one.tenant),
      rows.map((one) => one.day),
      rows.map((one) => one.function),
      rows.map((one) => one.invocations),
      rows.map((one) => one.failures),
      rows.map((one) => one.coldStarts),
      rows.map((one) => one.durationMs),
      rows.map((one) => one.cpuMs),
      rows.map((one) => one.peakMemoryMb),
      rows.map((one) => one.logEntries),
      rows.map((one) => one.requests),
      rows.map((one) => one.sentBytes),
      rows.map((one) => one.receivedBytes),
      rows.map((one) => one.functionCalls),
      rows.map((one) => one.queries),
    ],
  )
}

/** Which days of which function; both ends included. */
export interface UsageDays {
  readonly name: string | undefined
  /** `2026-01-31`. */
  readonly since: string
  readonly until: string
}

/** Most rows of one answer: ten functions for a year. */
const maxRows = 4000

/** Usage of a tenant by day and function, newest day first. */
export async function readUsage(sql: Sql, tenant: string, { name, since, until }: UsageDays): Promise<readonly UsageDay[]> {
  const values = [tenant, since, until, ...(name === undefined ? [] : [name])]
  const { rows } = await sql.query(
    `select day::text as day, function, invocations, failures, cold_starts, duration_ms, cpu_ms, peak_memory_mb, log_entries,
      requests, sent_bytes, received_bytes, function_calls, queries from cordon.usage
    where tenant = $1 and day between $2::date and $3::date ${name === undefined ? '' : 'and function = $4'} order by day desc, function limit ${maxRows}`,
    values,
  )
  return rows.map(usageDayOf)
}

function usageDayOf(row: Row): UsageDay {
  return {
    day: textOf(row, 'day'),
    function: textOf(row, 'function'),
    invocations: numberOf(row, 'invocations'),
    failures: numberOf(row, 'failures'),
    coldStarts: numberOf(row, 'cold_starts'),
    durationMs: numberOf(row, 'duration_ms'),
    cpuMs: numberOf(row, 'cpu_ms'),
    peakMemoryMb: numberOf(row, 'peak_memory_mb'),
    logEntries: numberOf(row, 'log_entries'),
    requests: numberOf(row, 'requests'),
    sentBytes: numberOf(row, 'sent_bytes'),
    receivedBytes: numberOf(row, 'received_bytes'),
    functionCalls: numberOf(row, 'function_calls'),
    queries: numberOf(row, 'queries'),
  }
}
