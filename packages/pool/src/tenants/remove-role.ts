import type { SqlPool } from '../sql/sql-pool.ts'
import { lockSetup, quote } from './schema-setup.ts'

/** What has to be known to remove a tenant. */
export interface RemovableTenant {
  readonly tenant: string
  readonly role: string
  /** Its own database, if it has one. */
  readonly database: string | null
}

/** Pools of the platform's own role. */
export interface RemovalPools {
  /** On the database that tenants share. */
  readonly shared: SqlPool
  /** On a database that is not removed. */
  readonly admin: SqlPool
}

/** Relations per transaction: every one takes locks, and the server has room for about 6400 (max_locks_per_transaction x max_connections). */
const relationsAtOnce = 200
/** How long a terminated backend is waited for, in milliseconds. */
const terminateWaitMs = 5000

/** Removes a tenant in steps that can be repeated: one that was interrupted is finished by the next attempt. */
export async function removeRole({ shared, admin }: RemovalPools, { tenant, role, database }: RemovableTenant): Promise<void> {
  const name = quote(role)
  // First nobody new can come in, then those who are in go.
  await shared.query(`ALTER ROLE ${name} NOLOGIN`)
  await shared.query(`SELECT pg_catalog.pg_terminate_backend(pid, ${terminateWaitMs}) FROM pg_catalog.pg_stat_activity WHERE usename = $1`, [role])
  if (database !== null) await admin.query(`DROP DATABASE IF EXISTS ${quote(database)} WITH (FORCE)`)
  while ((await dropSomeRelations(shared, role)) > 0);
  await shared.transaction(async (tx) => {
    await lockSetup(tx)
    await tx.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`)
    await tx.query(`DROP OWNED BY ${name} CASCADE`)
    await tx.query(`DROP ROLE ${name}`)
    await tx.query('DELETE FROM cordon.cordon_tenants WHERE tenant = $1', [tenant])
  })
}

/** Drops a part of the tables and views of a schema; says how many were found. */
async function dropSomeRelations(store: SqlPool, schema: string): Promise<number> {
  const { rows } = await store.query<{ text: string }>(
    `SELECT pg_catalog.format('DROP %s IF EXISTS %I.%I CASCADE',
      CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, $1::text, relname) AS text
    FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.to_regnamespace(pg_catalog.quote_ident($1)) AND relkind IN ('r', 'p', 'v', 'm', 'f')
    LIMIT ${relationsAtOnce}`,
    [schema],
  )
  if (rows.length > 0) await store.query(rows.map(({ text }) => text).join(';'))
  return rows.length
}
