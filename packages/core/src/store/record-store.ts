import type { InvocationRecord, LogEntry, LogLevel, OutcomeKind, Page, StoredLogEntry } from '@cordon/contracts'
import { errorTable } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import { flagOf, numberOf, optionalTextOf, textOf } from './row.ts'
import type { Row, Sql } from './sql.ts'

/** One finished invocation with what it logged. */
export interface RecordItem {
  readonly record: InvocationRecord
  readonly logs: readonly LogEntry[]
}

/** Filters of a page, checked and complete. `before`: only rows with a smaller `seq`. */
export interface RecordFilter {
  readonly function?: string | undefined
  readonly version?: string | undefined
  readonly since?: number | undefined
  readonly level?: LogLevel | undefined
  readonly outcome?: OutcomeKind | undefined
  readonly before?: number | undefined
  readonly limit: number
}

/** Severity as it is stored: in order, so that a filter means "this or worse". */
const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
const logColumns = 'seq, function, version, invocation_id, level, message, fields, location, time'
/** Rows per statement (measured with a prototype: batches of 200 rows reach 84 k rows/s; larger ones gain little). */
const batchRows = 400

/** Logs and invocations of one tenant in the database. */
export class RecordStore {
  readonly #sql: SqlPool
  readonly #tenant: string

  constructor(sql: SqlPool, tenant: string) {
    this.#sql = sql
    this.#tenant = tenant
  }

  /** Writes a batch: all of it or nothing. */
  async write(items: readonly RecordItem[]): Promise<void> {
    await this.#sql.transaction(async (tx) => {
      for (let at = 0; at < items.length; at += batchRows) await this.#writeInvocations(tx, items.slice(at, at + batchRows))
      const logs = items.flatMap(({ record, logs: entries }) => entries.map((entry) => ({ record, entry })))
      for (let at = 0; at < logs.length; at += batchRows) await this.#writeLogs(tx, logs.slice(at, at + batchRows))
    })
  }

  /** One page of log entries, newest first. */
  async logs(filter: RecordFilter): Promise<Page<StoredLogEntry>> {
    const where = new Conditions(this.#tenant, filter, 'time')
    if (filter.level !== undefined) where.add('level >=', levels.indexOf(filter.level))
    return page(await this.#select(logColumns, 'logs', where, filter.limit), filter.limit, logOf)
  }

  /** Log entries in the order they were written, after `after` up to and including `upTo`: the past of a follower. */
  async logsAfter(
    filter: RecordFilter,
    after: number,
    upTo: number,
  ): Promise<{ readonly entries: readonly StoredLogEntry[]; readonly last: number }> {
    const where = new Conditions(this.#tenant, filter, 'time')
    if (filter.level !== undefined) where.add('level >=', levels.indexOf(filter.level))
    where.add('seq >', after)
    where.add('seq <=', upTo)
    const { rows } = await this.#sql.query(
      `select ${logColumns} from cordon.logs where ${where.text} order by seq limit ${filter.limit}`,
      where.values,
    )
    const last = rows.at(-1)
    return { entries: rows.map(logOf), last: last === undefined ? upTo : numberOf(last, 'seq') }
  }

  /** The largest `seq` of the log, 0 when it is empty. */
  async lastLog(): Promise<number> {
    const { rows } = await this.#sql.query('select coalesce(max(seq), 0) as seq from cordon.logs')
    return rows[0] === undefined ? 0 : numberOf(rows[0], 'seq')
  }

  /** One page of invocations, newest first. */
  async invocations(filter: RecordFilter): Promise<Page<InvocationRecord>> {
    const where = new Conditions(this.#tenant, filter, 'started_at')
    if (filter.outcome !== undefined) where.add('outcome =', filter.outcome)
    const columns =
      'seq, function, version, invocation_id, outcome, message, started_at, queue_ms, boot_ms, load_ms, duration_ms, cpu_ms, peak_memory_mb, cold_start'
    return page(await this.#select(columns, 'invocations', where, filter.limit), filter.limit, invocationOf)
  }

  /** Deletes the oldest rows so that about `keep` of each kind stay. */
  async prune(keep: number): Promise<void> {
    await this.#sql.query('delete from cordon.logs where seq <= (select max(seq) from cordon.logs) - $1::bigint', [keep])
    await this.#sql.query('delete from cordon.invocations where seq <= (select max(seq) from cordon.invocations) - $1::bigint', [keep])
  }

  async #select(columns: string, table: 'logs' | 'invocations', where: Conditions, limit: number): Promise<readonly Row[]> {
    // One row more than asked for says whether there is a next page.
    const { rows } = await this.#sql.query(
      `select ${columns} from cordon.${table} where ${where.text} order by seq desc limit ${limit + 1}`,
      where.values,
    )
    return rows
  }

  async #writeInvocations(tx: Sql, items: readonly RecordItem[]): Promise<void> {
    const records = items.map(({ record }) => record)
    await tx.query(
      `insert into cordon.invocations (tenant, function, version, invocation_id, outcome, message, started_at, queue_ms, boot_ms, load_ms, duration_ms, cpu_ms, peak_memory_mb, cold_start)
      select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::real[], $9::real[], $10::real[], $11::real[], $12::real[], $13::real[], $14::boolean[])`,
      [
        this.#tenant,
        records.map((one) => one.function),
        records.map((one) => one.version),
        records.map((one) => one.invocationId),
        records.map((one) => one.outcome),
        records.map((one) => (one.message === undefined ? null : storable(one.message))),
        records.map((one) => one.startedAt),
        records.map((one) => one.queueMs),
        records.map((one) => one.bootMs),
        records.map((one) => one.loadMs),
        records.map((one) => one.durationMs),
        records.map((one) => one.cpuMs),
        records.map((one) => one.peakMemoryMb),
        records.map((one) => one.coldStart),
      ],
    )
  }

  async #writeLogs(tx: Sql, logs: readonly { readonly record: InvocationRecord; readonly entry: LogEntry }[]): Promise<void> {
    await tx.query(
      `insert into cordon.logs (tenant, function, version, invocation_id, level, message, fields, location, time)
      select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[], $8::text[], $9::bigint[])`,
      [
        this.#tenant,
        logs.map(({ record }) => record.function),
        logs.map(({ record }) => record.version),
        logs.map(({ record }) => record.invocationId),
        logs.map(({ entry }) => levels.indexOf(entry.level)),
        logs.map(({ entry }) => storable(entry.message)),
        logs.map(({ entry }) => (entry.fields === undefined ? null : JSON.stringify(entry.fields))),
        logs.map(({ entry }) => (entry.location === undefined ? null : storable(entry.location))),
        logs.map(({ entry }) => Math.round(entry.time)),
      ],
    )
  }
}

/** The `where` of a page. */
class Conditions {
  readonly values: unknown[]
  #text = 'tenant = $1'

  constructor(tenant: string, filter: RecordFilter, timeColumn: 'time' | 'started_at') {
    this.values = [tenant]
    if (filter.function !== undefined) this.add('function =', filter.function)
    if (filter.version !== undefined) this.add('version =', filter.version)
    if (filter.since !== undefined) this.add(`${timeColumn} >=`, filter.since)
    if (filter.before !== undefined) this.add('seq <', filter.before)
  }

  get text(): string {
    return this.#text
  }

  /** `comparison`: column and operator, written in this file only. */
  add(comparison: string, value: unknown): void {
    this.values.push(value)
    this.#text += ` and ${comparison} $${this.values.length}`
  }
}

function page<T>(rows: readonly Row[], limit: number, read: (row: Row) => T): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items: items.map(read), next: rows.length > limit && last !== undefined ? textOf({ seq: String(last['seq']) }, 'seq') : null }
}

function logOf(row: Row): StoredLogEntry {
  const fields = optionalTextOf(row, 'fields')
  const location = optionalTextOf(row, 'location')
  return {
    level: levels[numberOf(row, 'level')] ?? 'info',
    message: textOf(row, 'message'),
    ...(fields === null ? {} : { fields: JSON.parse(fields) as Readonly<Record<string, unknown>> }),
    ...(location === null ? {} : { location }),
    time: numberOf(row, 'time'),
    function: textOf(row, 'function'),
    version: textOf(row, 'version'),
    invocationId: textOf(row, 'invocation_id'),
  }
}

function invocationOf(row: Row): InvocationRecord {
  const message = optionalTextOf(row, 'message')
  return {
    invocationId: textOf(row, 'invocation_id'),
    function: textOf(row, 'function'),
    version: textOf(row, 'version'),
    outcome: outcomeOf(textOf(row, 'outcome')),
    ...(message === null ? {} : { message }),
    startedAt: numberOf(row, 'started_at'),
    queueMs: numberOf(row, 'queue_ms'),
    bootMs: numberOf(row, 'boot_ms'),
    loadMs: numberOf(row, 'load_ms'),
    durationMs: numberOf(row, 'duration_ms'),
    cpuMs: numberOf(row, 'cpu_ms'),
    peakMemoryMb: numberOf(row, 'peak_memory_mb'),
    coldStart: flagOf(row, 'cold_start'),
  }
}

function outcomeOf(stored: string): OutcomeKind {
  return stored in errorTable ? (stored as OutcomeKind) : 'success'
}

/** PostgreSQL text holds neither NUL nor half a surrogate pair; functions log both. */
function storable(text: string): string {
  return text.replace(/[\0\p{Surrogate}]/gu, '\ufffd')
}
