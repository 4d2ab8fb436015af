import { PlatformError } from '@cordon/contracts'
import type { Sql } from './sql.ts'

/** Name of the table that says that a copy is being loaded: it is there before anything else, and goes in the transaction that makes the copy whole. */
export const incompleteTable = 'incomplete_copy'

/**
 * Refuses a store that is half of a copy.
 *
 * @throws PlatformError STORE_UNAVAILABLE
 */
export async function refuseIncomplete(sql: Sql): Promise<void> {
  const { rows } = await sql.query(`select to_regclass('cordon.${incompleteTable}') is not null as is_incomplete`)
  if (rows[0]?.['is_incomplete'] !== true) return
  throw new PlatformError(
    'STORE_UNAVAILABLE',
    'Cannot use the store: a copy into it ("cordon restore" or "cordon migrate") was interrupted. Run that command again, it begins anew',
  )
}
