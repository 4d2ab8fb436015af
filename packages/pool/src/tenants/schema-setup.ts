import { PlatformError, type Logger } from '@cordon/contracts'
import type { SqlPool, SqlQueryable } from '../sql/sql-pool.ts'

/** Raised when the set-up below changes; stored as the comment of the schema. */
const revision = 'cordon function database, revision 3'
/** Any number that nothing else locks. */
const setupLock = 7_305_271_944

/** Waits until no other host changes roles and grants: two GRANTs on the same database at once fail ("tuple concurrently updated"). Held to the end of the transaction. */
export async function lockSetup(tx: SqlQueryable): Promise<void> {
  await tx.query('SELECT pg_catalog.pg_advisory_xact_lock($1)', [setupLock])
}

/** Functions that reach beyond a schema: locks, large objects and channels are shared by the whole database, backends by the server. */
const sharedFunctions = `SELECT p.oid FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'pg_catalog'::regnamespace
    AND (p.proname ~ '^(pg_advisory_|pg_try_advisory_|lo_)'
      OR p.proname IN ('loread', 'lowrite', 'pg_notify', 'pg_cancel_backend', 'pg_terminate_backend', 'pg_logical_emit_message', 'pg_export_snapshot'))`

/**
 * Creates the database that holds all tenants' schemas, if it is missing.
 *
 * @throws PlatformError STORE_UNAVAILABLE
 */
async function createDatabase(admin: SqlPool, database: string): Promise<void> {
  try {
    // template0: nobody can be connected to it, which would make this fail.
    await admin.query(`CREATE DATABASE ${quote(database)} TEMPLATE template0 ENCODING 'UTF8'`)
  } catch (error) {
    // Another host was faster.
    const sqlState = error instanceof PlatformError ? error.details['sqlState'] : undefined
    if (sqlState !== '42P04' && sqlState !== '23505') throw error
  }
}

/**
 * Runs `work` in `database`, which is created first when there is none of that name.
 *
 * @throws PlatformError STORE_UNAVAILABLE
 */
export async function inDatabase<T>(database: string, { open, admin }: DatabaseOpener, work: (store: SqlPool) => Promise<T>): Promise<T> {
  const store = open(database)
  try {
    return await work(store)
  } catch (error) {
    // 3D000: there is no such database.
    if (!(error instanceof PlatformError) || error.details['code'] !== '3D000') throw error
    const pool = open(admin)
    try {
      await createDatabase(pool, database)
    } finally {
      await pool.close()
    }
    return await work(store)
  } finally {
    await store.close()
  }
}

/** How `inDatabase` reaches databases. */
export interface DatabaseOpener {
  /** A pool of the platform's own role on a database. */
  readonly open: (database: string) => SqlPool
  /** A database that is always there. */
  readonly admin: string
}

/** Takes from everybody what tenants must not have, and creates the table of tenants. Done once per database. */
export async function setUpDatabase(store: SqlPool, database: string, logger: Logger | undefined): Promise<void> {
  const { rows } = await store.query("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'cordon' AND obj_description(oid, 'pg_namespace') = $1", [
    revision,
  ])
  if (rows.length > 0) return
  await store.transaction(async (tx) => {
    await lockSetup(tx)
    await tx.query('CREATE SCHEMA IF NOT EXISTS cordon')
    await tx.query('REVOKE ALL ON SCHEMA cordon FROM PUBLIC')
    await tx.query(`CREATE TABLE IF NOT EXISTS cordon.cordon_tenants (
      tenant text PRIMARY KEY, role name NOT NULL UNIQUE, password text NOT NULL, settings text NOT NULL DEFAULT '', created_at timestamptz NOT NULL DEFAULT now())`)
    // The database that a tenant has for itself; NULL: its schema lies in this one.
    await tx.query('ALTER TABLE cordon.cordon_tenants ADD COLUMN IF NOT EXISTS database name')
    // What was applied of the files that functions bring; `xid` while it is not known yet whether their transaction was committed.
    await tx.query(`CREATE TABLE IF NOT EXISTS cordon.cordon_migrations (
      tenant text NOT NULL REFERENCES cordon.cordon_tenants ON DELETE CASCADE, function text NOT NULL, name text NOT NULL, sha256 text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now(), xid xid8, PRIMARY KEY (tenant, function, name))`)
    // CONNECT and TEMPORARY.
    await tx.query(`REVOKE ALL ON DATABASE ${quote(database)} FROM PUBLIC`)
    await tx.query(forgiving('REVOKE ALL ON SCHEMA public FROM PUBLIC'))
    await tx.query(`DO $do$ DECLARE one oid; BEGIN
      FOR one IN ${sharedFunctions} LOOP
        BEGIN EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one::regprocedure);
        EXCEPTION WHEN insufficient_privilege THEN NULL; END;
      END LOOP; END $do$`)
    await tx.query(`COMMENT ON SCHEMA cordon IS '${revision}'`)
  })
  const left = await store.query<{ name: string }>(
    `SELECT DISTINCT p.proname AS name FROM pg_catalog.pg_proc p WHERE p.oid IN (${sharedFunctions}) AND pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY 1`,
  )
  if (left.rows.length > 0) {
    logger?.warn(
      { functions: left.rows.map(({ name }) => name) },
      'Tenants of the function database can call functions that reach beyond their schema: the database user is no superuser and cannot take them away',
    )
  }
}

/** A statement that is skipped when the database user may not do it, or the server does not know the setting. */
export function forgiving(statement: string): string {
  return `DO $do$ BEGIN ${statement}; EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR invalid_parameter_value OR undefined_object THEN NULL; END $do$`
}

/** A name as SQL text. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A value as SQL text, where a statement takes no parameters. The `E` makes it mean the same whatever `standard_conforming_strings` is. */
export function literal(value: string): string {
  return `E'${value.replaceAll(/['\\]/g, '$&$&')}'`
}
