import {
  errorTable,
  nothingUsed,
  type InvocationRecord,
  type LogLevel,
  type OutcomeKind,
  type Page,
  type StoredLogEntry,
  type UsedCapabilities,
} from '@cordon/contracts'
import { levels } from './log-levels.ts'
import { dayMs, dayOf } from './record-partitions.ts'
import { flagOf, numberOf, optionalTextOf, recordOf, textOf } from './row.ts'
import type { Row, Sql } from './sql.ts'

/** A place in the order of records. */
export interface RecordPlace {
  readonly time: number
  readonly seq: number
}

/** Filters of a page, checked and complete. Times in milliseconds since 1970. */
export interface RecordFilter {
  readonly function?: string | undefined
  readonly version?: string | undefined
  /** From this time on. */
  readonly since?: number | undefined
  /** Before this time. */
  readonly until?: number | undefined
  readonly level?: LogLevel | undefined
  readonly outcome?: OutcomeKind | undefined
  /** Only what is older than this. */
  readonly before?: RecordPlace | undefined
  readonly limit: number
}

const logColumns = 'seq, function, version, invocation_id, level, message, fields, location, time'
const invocationColumns =
  'seq, function, version, invocation_id, outcome, message, user_id, started_at, queue_ms, boot_ms, load_ms, duration_ms, cpu_ms, peak_memory_mb, cold_start, dropped_log_bytes, parent_id, trace_id, used'

/** Reads logs and invocations of one tenant. */
export class RecordReader {
  readonly #sql: Sql
  readonly #tenant: string

  constructor(sql: Sql, tenant: string) {
    this.#sql = sql
    this.#tenant = tenant
  }

  /** One page of log entries, newest first. */
  async logs(filter: RecordFilter): Promise<Page<StoredLogEntry>> {
    const rows = await this.#newest(filter, (span, limit) => {
      const where = this.#logConditions(span)
      return { text: `select ${logColumns} from cordon.logs where ${where.text} order by time desc, seq desc limit ${limit}`, values: where.values }
    })
    return page(rows, filter.limit, 'time', logOf)
  }

  /** Log entries in the order of time, after `after` and written no later than `upTo` was: the past of a follower. */
  async logsAfter(
    filter: RecordFilter,
    after: RecordPlace | undefined,
    upTo: number,
  ): Promise<{ readonly entries: readonly StoredLogEntry[]; readonly last: RecordPlace | undefined }> {
    const where = this.#logConditions(filter)
    if (after !== undefined) where.addPlace('time', '>', after)
    where.add('seq <=', upTo)
    const { rows } = await this.#sql.query(
      `select ${logColumns} from cordon.logs where ${where.text} order by time, seq limit ${filter.limit}`,
      where.values,
    )
    const last = rows.at(-1)
    return { entries: rows.map(logOf), last: last === undefined ? undefined : placeOf(last, 'time') }
  }

  /** A number that no record written so far exceeds. */
  async lastSeq(): Promise<number> {
    const { rows } = await this.#sql.query('select last_value as seq from cordon.record_seq')
    return rows[0] === undefined ? 0 : numberOf(rows[0], 'seq')
  }

  /** One page of invocations, newest first. */
  async invocations(filter: RecordFilter): Promise<Page<InvocationRecord>> {
    const rows = await this.#newest(filter, (span, limit) => {
      const where = new Conditions(this.#tenant, span, 'started_at')
      if (filter.outcome !== undefined) where.add('outcome =', filter.outcome)
      // Said once more for the index of failures, which is found by these very words.
      if (filter.outcome !== undefined && filter.outcome !== 'success') where.addText("outcome <> 'success'")
      const text = `select ${invocationColumns} from cordon.invocations where ${where.text} order by started_at desc, seq desc limit ${limit}`
      return { text, values: where.values }
    })
    return page(rows, filter.limit, 'started_at', invocationOf)
  }

  #logConditions(filter: RecordFilter): Conditions {
    const where = new Conditions(this.#tenant, filter, 'time')
    // As text: the indexes of warnings and errors are found by these very words.
    if (filter.level !== undefined) where.addText(`level >= ${levels.indexOf(filter.level)}`)
    return where
  }

  /**
   * The newest rows, one more than asked for, which says whether there is a next page. Span by span, since to plan a query takes far longer than
   * to run it, and longer with every partition that it may touch.
   */
  async #newest(
    filter: RecordFilter,
    query: (span: RecordFilter, limit: number) => { readonly text: string; readonly values: readonly unknown[] },
  ): Promise<readonly Row[]> {
    const rows: Row[] = []
    for (const span of spansOf(filter)) {
      const { text, values } = query(span, filter.limit + 1 - rows.length)
      rows.push(...(await this.#sql.query(text, values)).rows)
      if (rows.length > filter.limit) break
    }
    return rows
  }
}

/** The same filter cut into spans of time, newest first: the newest day, the three before it, and the rest. */
function* spansOf(filter: RecordFilter): Generator<RecordFilter, undefined> {
  const newest = dayOf(Math.min(Date.now(), filter.until ?? Infinity, filter.before?.time ?? Infinity))
  let { until } = filter
  for (const from of [newest * dayMs, (newest - 3) * dayMs]) {
    if (from <= (filter.since ?? -Infinity)) break
    yield { ...filter, since: from, until }
    until = from
  }
  yield { ...filter, until }
  return undefined
}

type TimeColumn = 'time' | 'started_at'

/** The `where` of a page. */
class Conditions {
  readonly values: unknown[]
  #text = 'tenant = $1'

  constructor(tenant: string, filter: RecordFilter, timeColumn: TimeColumn) {
    this.values = [tenant]
    if (filter.function !== undefined) this.add('function =', filter.function)
    if (filter.version !== undefined) this.add('version =', filter.version)
    if (filter.since !== undefined) this.add(`${timeColumn} >=`, filter.since)
    if (filter.until !== undefined) this.add(`${timeColumn} <`, filter.until)
    if (filter.before !== undefined) this.addPlace(timeColumn, '<', filter.before)
  }

  get text(): string {
    return this.#text
  }

  /** `comparison`: column and operator, written in this file only. */
  add(comparison: string, value: unknown): void {
    this.values.push(value)
    this.addText(`${comparison} $${this.values.length}`)
  }

  addPlace(timeColumn: TimeColumn, operator: '<' | '>', { time, seq }: RecordPlace): void {
    // The first comparison follows from the second, but only a plain one leaves out the partitions of other days.
    this.add(`${timeColumn} ${operator}=`, time)
    const timeAt = this.values.length
    this.values.push(seq)
    this.addText(`(${timeColumn}, seq) ${operator} ($${timeAt}, $${this.values.length})`)
  }

  addText(condition: string): void {
    this.#text += ` and ${condition}`
  }
}

function page<T>(rows: readonly Row[], limit: number, timeColumn: TimeColumn, read: (row: Row) => T): Page<T> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  if (rows.length <= limit || last === undefined) return { items: items.map(read), next: null }
  const { time, seq } = placeOf(last, timeColumn)
  return { items: items.map(read), next: `${time}-${seq}` }
}

function placeOf(row: Row, timeColumn: TimeColumn): RecordPlace {
  return { time: numberOf(row, timeColumn), seq: numberOf(row, 'seq') }
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
  const userId = optionalTextOf(row, 'user_id')
  const parentId = optionalTextOf(row, 'parent_id')
  const traceId = optionalTextOf(row, 'trace_id')
  return {
    invocationId: textOf(row, 'invocation_id'),
    function: textOf(row, 'function'),
    version: textOf(row, 'version'),
    outcome: outcomeOf(textOf(row, 'outcome')),
    ...(message === null ? {} : { message }),
    ...(userId === null ? {} : { userId }),
    ...(parentId === null ? {} : { parentId }),
    ...(traceId === null ? {} : { traceId }),
    startedAt: numberOf(row, 'started_at'),
    queueMs: numberOf(row, 'queue_ms'),
    bootMs: numberOf(row, 'boot_ms'),
    loadMs: numberOf(row, 'load_ms'),
    durationMs: numberOf(row, 'duration_ms'),
    cpuMs: numberOf(row, 'cpu_ms'),
    peakMemoryMb: numberOf(row, 'peak_memory_mb'),
    coldStart: flagOf(row, 'cold_start'),
    droppedLogBytes: numberOf(row, 'dropped_log_bytes'),
    used: row['used'] === null ? nothingUsed : usedOf(recordOf(row, 'used')),
  }
}

/** Field by field: what an older version of Cordon wrote may have fewer of them. */
function usedOf(stored: Readonly<Record<string, unknown>>): UsedCapabilities {
  const given = Object.entries(nothingUsed).map(([name, none]) => [name, typeof stored[name] === 'number' ? stored[name] : none])
  return { ...nothingUsed, ...Object.fromEntries(given) }
}

function outcomeOf(stored: string): OutcomeKind {
  return stored in errorTable ? (stored as OutcomeKind) : 'success'
}
