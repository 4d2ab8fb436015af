import type { SqlPool } from '@cordon/pool'
import { numberOf, optionalTextOf, textOf } from './row.ts'
import type { Sql } from './sql.ts'

/** Channel on which hosts say that the log of changes has grown. */
export const changeChannel = 'cordon_changes'
/** How long changes are kept; a host that was away for longer reads everything anew. In hours. */
export const keptHours = 24

/** Stands for the secrets of a tenant where the name of a function stands, which begins with a letter. */
export const secretsChanged = '*secrets'

/** Something of a tenant changed: one of its functions, its secrets, or the tenant itself. */
export interface Change {
  readonly tenant: string
  readonly function: string | null
}

/** A change as it stands in the log. */
export interface LoggedChange extends Change {
  readonly host: string
  readonly xid: bigint
  readonly seq: number
  /** No transaction that still runs can add anything before it. */
  readonly isSettled: boolean
}

/** How far a host has read. */
export interface ChangeCursor {
  readonly xid: bigint
  readonly seq: number
}

/** Rows of one look into the log. */
const rowsAtOnce = 500

/** Notes a change inside the transaction that makes it. Other hosts are told when it commits; the notice is a hint, the row is what counts. */
export async function noteChange(tx: Sql, host: string, { tenant, function: name }: Change): Promise<void> {
  await tx.query('insert into cordon.changes (host, tenant, function) values ($1, $2, $3)', [host, tenant, name])
  // Neither has a space in its name.
  await tx.query('select pg_notify($1, $2)', [changeChannel, `${host} ${tenant} ${name ?? ''}`])
}

/** Reads a notice; `undefined` for one that this version does not understand. */
export function readNotice(payload: string): (Change & { readonly host: string }) | undefined {
  const [host, tenant, name, more] = payload.split(' ')
  if (host === undefined || tenant === undefined || name === undefined || more !== undefined) return undefined
  return { host, tenant, function: name === '' ? null : name }
}

/** The place before which nothing can come any more; whoever reads the tables after this call and the log from here on misses nothing. */
export async function newestPlace(sql: Sql): Promise<ChangeCursor> {
  const { rows } = await sql.query('select pg_snapshot_xmin(pg_current_snapshot())::text as xid')
  return { xid: BigInt(rows[0] === undefined ? 0 : textOf(rows[0], 'xid')), seq: 0 }
}

/** The changes that can be seen after `cursor`, in the order of `(xid, seq)`. */
export async function changesAfter(sql: Sql, { xid, seq }: ChangeCursor): Promise<readonly LoggedChange[]> {
  const { rows } = await sql.query(
    `select xid::text as xid, seq, host, tenant, function, xid < pg_snapshot_xmin(pg_current_snapshot()) as is_settled
    from cordon.changes where (xid, seq) > ($1::text::xid8, $2) order by xid, seq limit ${rowsAtOnce}`,
    [String(xid), seq],
  )
  return rows.map((row) => ({
    xid: BigInt(textOf(row, 'xid')),
    seq: numberOf(row, 'seq'),
    host: textOf(row, 'host'),
    tenant: textOf(row, 'tenant'),
    function: optionalTextOf(row, 'function'),
    isSettled: row['is_settled'] === true,
  }))
}

/** Deletes what every host has read long ago. */
export async function forgetChanges(sql: SqlPool): Promise<void> {
  await sql.query(`delete from cordon.changes where created_at < now() - interval '${keptHours} hours'`)
}
