import { nothingUsed, PlatformError, type InvocationRecord, type LogEntry } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import { levels } from './log-levels.ts'
import { dayOf, type RecordPartitions } from './record-partitions.ts'
import { textOf } from './row.ts'
import type { Sql } from './sql.ts'
import { usageOf, writeUsage } from './usage.ts'

/** One finished invocation with what it logged. */
export interface RecordItem {
  readonly tenant: string
  readonly record: InvocationRecord
  readonly logs: readonly LogEntry[]
}

/** Rows per statement (measured with a prototype: batches of 200 rows reach 84 k rows/s; larger ones gain little). */
const batchRows = 400

/** Writes records of all tenants: invocations, what they logged, and the sums of the day, in one transaction. */
export class RecordWriter {
  readonly #sql: SqlPool
  readonly #partitions: RecordPartitions

  constructor(sql: SqlPool, partitions: RecordPartitions) {
    this.#sql = sql
    this.#partitions = partitions
  }

  /** Writes a batch: all of it or nothing. */
  async write(items: readonly RecordItem[]): Promise<void> {
    try {
      await this.#write(items)
    } catch (error) {
      // No partition for a row: another host dropped it as too old, by a clock that differs from this one.
      if (!(error instanceof PlatformError) || error.details['sqlState'] !== '23514') throw error
      this.#partitions.forget()
      await this.#write(items)
    }
  }

  async #write(given: readonly RecordItem[]): Promise<void> {
    const days = new Set<number>()
    for (const { record, logs } of given) {
      days.add(dayOf(record.startedAt))
      for (const entry of logs) days.add(dayOf(entry.time))
    }
    await this.#partitions.ensure(days)
    await this.#sql.transaction(async (tx) => {
      const isKept = await holdFunctions(tx, given)
      const items = given.filter(isKept)
      const logs = items.flatMap(({ tenant, record, logs: entries }) => entries.map((entry) => ({ tenant, record, entry })))
      for (let at = 0; at < items.length; at += batchRows) await writeInvocations(tx, items.slice(at, at + batchRows))
      for (let at = 0; at < logs.length; at += batchRows) await writeLogs(tx, logs.slice(at, at + batchRows))
      // Last: these rows are shared with other hosts, which wait for them.
      await writeUsage(tx, usageOf(items))
    })
  }
}

/**
 * Keeps the functions of a batch from being removed until it is written, and says which items still have theirs: what another host removed
 * shall not come back as records. The order of rows is the same for all, so that nobody waits for ever.
 */
async function holdFunctions(tx: Sql, items: readonly RecordItem[]): Promise<(item: RecordItem) => boolean> {
  const { rows } = await tx.query(
    `select tenant, name from cordon.functions where (tenant, name) in (select * from unnest($1::text[], $2::text[])) order by tenant, name for key share`,
    [items.map(({ tenant }) => tenant), items.map(({ record }) => record.function)],
  )
  const there = new Set(rows.map((row) => `${textOf(row, 'tenant')} ${textOf(row, 'name')}`))
  return ({ tenant, record }) => there.has(`${tenant} ${record.function}`)
}

async function writeInvocations(tx: Sql, items: readonly RecordItem[]): Promise<void> {
  const records = items.map(({ record }) => record)
  await tx.query(
    `insert into cordon.invocations (tenant, function, version, invocation_id, outcome, message, user_id, started_at, queue_ms, boot_ms, load_ms, duration_ms, cpu_ms, peak_memory_mb, cold_start, dropped_log_bytes, parent_id, used, trace_id)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::real[], $10::real[], $11::real[], $12::real[], $13::real[], $14::real[], $15::boolean[], $16::bigint[], $17::text[], $18::json[], $19::text[])`,
    [
      items.map(({ tenant }) => tenant),
      records.map((one) => one.function),
      records.map((one) => one.version),
      records.map((one) => one.invocationId),
      records.map((one) => one.outcome),
      records.map((one) => (one.message === undefined ? null : storable(one.message))),
      records.map((one) => (one.userId === undefined ? null : storable(one.userId))),
      records.map((one) => one.startedAt),
      records.map((one) => one.queueMs),
      records.map((one) => one.bootMs),
      records.map((one) => one.loadMs),
      records.map((one) => one.durationMs),
      records.map((one) => one.cpuMs),
      records.map((one) => one.peakMemoryMb),
      records.map((one) => one.coldStart),
      records.map((one) => one.droppedLogBytes),
      records.map((one) => one.parentId ?? null),
      records.map((one) => (one.used === nothingUsed ? null : JSON.stringify(one.used))),
      records.map((one) => one.traceId ?? null),
    ],
  )
}

async function writeLogs(
  tx: Sql,
  logs: readonly { readonly tenant: string; readonly record: InvocationRecord; readonly entry: LogEntry }[],
): Promise<void> {
  await tx.query(
    `insert into cordon.logs (tenant, function, version, invocation_id, level, message, fields, location, time)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[], $8::text[], $9::bigint[])`,
    [
      logs.map(({ tenant }) => tenant),
      logs.map(({ record }) => record.function),
      logs.map(({ record }) => record.version),
      logs.map(({ record }) => record.invocationId),
      logs.map(({ entry }) => levels.indexOf(entry.level)),
      logs.map(({ entry }) => storable(entry.message)),
      logs.map(({ entry }) => (entry.fields === undefined ? null : JSON.stringify(entry.fields))),
      logs.map(({ entry }) => (entry.location === undefined ? null : storable(entry.location))),
      logs.map(({ entry }) => Math.floor(entry.time)),
    ],
  )
}

/** PostgreSQL text holds neither NUL nor half a surrogate pair; functions log both. */
function storable(text: string): string {
  return text.replace(/[\0\p{Surrogate}]/gu, '\ufffd')
}
