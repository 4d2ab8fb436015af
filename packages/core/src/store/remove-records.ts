import { PlatformError } from '@cordon/contracts'
import { textOf } from './row.ts'
import type { Sql } from './sql.ts'

/** Rows of one statement: few enough that it ends long before its deadline. */
const rowsAtOnce = 10_000

/** Deletes the records of a function, or of a whole tenant. In steps: there may be millions, and a step that is lost can be done again. */
export async function removeRecords(sql: Sql, tenant: string, name?: string): Promise<void> {
  const where = name === undefined ? 'tenant = $1' : 'tenant = $1 and function = $2'
  const values = name === undefined ? [tenant] : [tenant, name]
  const { rows } = await sql.query(
    "select inhrelid::regclass::text as partition from pg_inherits where inhparent in ('cordon.logs'::regclass, 'cordon.invocations'::regclass)",
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
