import type { SqlPool } from '@cordon/pool'
import { backupLock, partitionLock } from './locks.ts'
import { numberOf } from './row.ts'

/** Milliseconds of a day. */
export const dayMs = 86_400_000
/** Longest wait for readers and writers of the tables, in milliseconds: everybody else waits behind whoever waits for the whole table. */
const lockTimeoutMs = 2000

/** What is kept of the records. */
export interface Retention {
  /** Days after which records are dropped, today not counted. */
  readonly keepDays: number
  /** Bytes on disk, indexes included, above which the oldest days are dropped; today stays. */
  readonly keepBytes: number
}

/** The day of a moment, in days since 1970, UTC. */
export function dayOf(time: number): number {
  return Math.floor(time / dayMs)
}

/** The partitions of `logs` and `invocations`: one of each a day, created by the first batch that needs them, dropped whole. */
export class RecordPartitions {
  readonly #sql: SqlPool
  readonly #known = new Set<number>()

  constructor(sql: SqlPool) {
    this.#sql = sql
  }

  /** Creates the partitions of these days that are missing. */
  async ensure(days: Iterable<number>): Promise<void> {
    const missing = [...new Set(days)].filter((day) => !this.#known.has(day))
    if (missing.length === 0) return
    await this.#sql.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock($1)', [partitionLock])
      for (const day of missing) {
        for (const table of ['logs', 'invocations']) {
          // Asked first: to create a partition locks the table, even when there is nothing to do.
          const { rows } = await tx.query('select to_regclass($1) is null as is_missing', [`cordon.${table}_${day}`])
          if (rows[0]?.['is_missing'] !== true) continue
          await tx.query(
            `create table cordon.${table}_${day} partition of cordon.${table} for values from (${day * dayMs}) to (${(day + 1) * dayMs})`,
          )
        }
      }
    })
    for (const day of missing) this.#known.add(day)
  }

  /** Another host dropped what this one created. */
  forget(): void {
    this.#known.clear()
  }

  /** Drops what is older or more than is kept; gives the bytes that are left. One host at a time, and not while a copy is made: the others leave it for later. */
  async drop({ keepDays, keepBytes }: Retention, now: number): Promise<number> {
    return this.#sql.transaction(async (tx) => {
      for (const key of [partitionLock, backupLock]) {
        const { rows: locked } = await tx.query('select pg_try_advisory_xact_lock($1) as is_locked', [key])
        if (locked[0]?.['is_locked'] !== true) return 0
      }
      const { rows } = await tx.query(
        `select substring(c.relname from '\\d+$')::int as day, sum(pg_total_relation_size(c.oid))::text as bytes from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent in ('cordon.logs'::regclass, 'cordon.invocations'::regclass) group by 1 order by 1`,
      )
      const days = rows.map((row) => ({ day: numberOf(row, 'day'), bytes: numberOf(row, 'bytes') }))
      let bytes = days.reduce((sum, one) => sum + one.bytes, 0)
      const today = dayOf(now)
      const gone = days.filter((one) => {
        const isDropped = one.day < today && (one.day < today - keepDays || bytes > keepBytes)
        if (isDropped) bytes -= one.bytes
        return isDropped
      })
      if (gone.length === 0) return bytes
      await tx.query(`set local lock_timeout = ${lockTimeoutMs}`)
      for (const { day } of gone) await tx.query(`drop table if exists cordon.logs_${day}, cordon.invocations_${day}`)
      for (const { day } of gone) this.#known.delete(day)
      return bytes
    })
  }
}
