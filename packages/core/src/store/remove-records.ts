import { PlatformError } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import { textOf } from './row.ts'
import type { Sql } from './sql.ts'

/** Rows of one statement: few enough that it ends long before its deadline. */
const rowsAtOnce = 10_000

/**
 * Deletes the records of a function, or of a whole tenant, outside of any transaction and in steps: there may be millions, and a step that is
 * lost can be done again. What is written meanwhile is left to `removeLastRecords`.
 */
export async function removeRecords(sql: SqlPool, tenant: string, name?: string): Promise<void> {
  const { where, values } = recordsOf(tenant, name)
  // In the order in which they were made: today's, which may still grow, comes last.
  const { rows } = await sql.query(
    `select inhrelid::regclass::text as partition from pg_inherits
    where inhparent in ('cordon.logs'::regclass, 'cordon.invocations'::regclass) order by inhrelid`,
  )
  for (const row of rows) {
    const partition = textOf(row, 'partition')
    const step = `delete from ${partition} where ctid = any(array(select ctid from ${partition} where ${where} limit ${rowsAtOnce}))`
    try {
      for (let deleted = rowsAtOnce; deleted === rowsAtOnce;) deleted = (await sql.query(step, values)).rowCount
    } catch (error) {
      // Its day was dropped meanwhile, and the rows with it.
      if (!(error instanceof PlatformError) || error.details['sqlState'] !== '42P01') throw error
    }
  }
}

/** Deletes what `removeRecords` left, inside the transaction behind which nothing more is written. */
export async function removeLastRecords(tx: Sql, tenant: string, name?: string): Promise<void> {
  const { where, values } = recordsOf(tenant, name)
  // Not by partition: one that is dropped meanwhile would fail the transaction.
  for (const table of ['logs', 'invocations']) await tx.query(`delete from cordon.${table} where ${where}`, values)
}

function recordsOf(tenant: string, name: string | undefined): { readonly where: string; readonly values: readonly string[] } {
  return name === undefined ? { where: 'tenant = $1', values: [tenant] } : { where: 'tenant = $1 and function = $2', values: [tenant, name] }
}
