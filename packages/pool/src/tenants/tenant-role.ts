import { randomBytes } from 'node:crypto'
import { PlatformError } from '@cordon/contracts'
import type { SqlQueryable } from '../sql/sql-pool.ts'
import { forgiving, literal, lockSetup, quote } from './schema-setup.ts'

/** A tenant as the database knows it. */
export interface TenantRole {
  /** Name of the role, and of its schema. */
  readonly role: string
  readonly password: string
  /** Its own database; `null` when its schema lies in the one that tenants share. */
  readonly database: string | null
}

/** How roles are created. */
export interface RoleOptions {
  readonly hasOwnDatabase: boolean
  readonly connectionLimit: number
  readonly statementTimeoutMs: number
}

/** No invocation holds a transaction that long; it ends those of a host that hangs. */
const idleInTransactionMs = 15 * 60_000

/**
 * Each new connection costs the host so many rounds of a hash. They slow guessing down, and nobody guesses 192 random bits; fewer than
 * 1000 is what OpenSSL refuses in FIPS mode. 1000 take 0.5 ms, the 4096 of the server's default 1.9 ms. PostgreSQL 16 and newer have the setting.
 */
const scramIterations = 1000

/** The role of a tenant, created the first time; its settings are brought up to date, its right to sign in given back. */
export async function ensureRole(tx: SqlQueryable, tenant: string, options: RoleOptions): Promise<TenantRole> {
  const fresh = { name: `t_${randomBytes(8).toString('hex')}`, password: randomBytes(24).toString('base64url') }
  await lockSetup(tx)
  await tx.query('INSERT INTO cordon.cordon_tenants (tenant, role, password, database) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant) DO NOTHING', [
    tenant,
    fresh.name,
    fresh.password,
    options.hasOwnDatabase ? fresh.name : null,
  ])
  const { rows } = await tx.query<TenantRole & { settings: string }>(
    'SELECT role, password, database, settings FROM cordon.cordon_tenants WHERE tenant = $1 FOR UPDATE',
    [tenant],
  )
  const row = rows[0]
  if (row === undefined) throw new PlatformError('STORE_UNAVAILABLE', 'Cannot create the schema of a tenant: its row vanished')
  const name = quote(row.role)
  if (row.role === fresh.name) await createRole(tx, name)
  await tx.query(
    `${forgiving(`SET LOCAL scram_iterations = ${scramIterations}`)}; ALTER ROLE ${name} LOGIN CONNECTION LIMIT ${options.connectionLimit} PASSWORD ${literal(row.password)}`,
  )
  const settings = settingsOf(row.role, options.statementTimeoutMs)
  if (settings.join(';') !== row.settings) {
    for (const setting of settings) await tx.query(forgiving(`ALTER ROLE ${name} SET ${setting}`))
    await tx.query('UPDATE cordon.cordon_tenants SET settings = $2 WHERE tenant = $1', [tenant, settings.join(';')])
  }
  return { role: row.role, password: row.password, database: row.database }
}

/** The role of a tenant that was copied from elsewhere, with its name and password; its settings come with its first query. */
export async function restoreRole(tx: SqlQueryable, { tenant, role, password, createdAt, hasOwnDatabase }: RestoredRole): Promise<void> {
  await lockSetup(tx)
  const { rows } = await tx.query('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [role])
  if (rows.length > 0) {
    throw new PlatformError(
      'STORE_UNAVAILABLE',
      `Cannot create role "${role}": the server has one of that name, so this platform, or another copy of it, is there already`,
    )
  }
  await tx.query('INSERT INTO cordon.cordon_tenants (tenant, role, password, database, created_at) VALUES ($1, $2, $3, $4, $5)', [
    tenant,
    role,
    password,
    hasOwnDatabase ? role : null,
    createdAt,
  ])
  await createRole(tx, quote(role))
  await tx.query(`ALTER ROLE ${quote(role)} LOGIN PASSWORD ${literal(password)}`)
}

/** What makes a tenant anew. */
export interface RestoredRole {
  readonly tenant: string
  readonly role: string
  readonly password: string
  readonly createdAt: string
  readonly hasOwnDatabase: boolean
}

async function createRole(tx: SqlQueryable, name: string): Promise<void> {
  await tx.query(`CREATE ROLE ${name}`)
  // To stop a statement one must be a superuser or a member of its role.
  await tx.query(
    `DO $do$ BEGIN IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN GRANT ${name} TO CURRENT_USER; END IF; END $do$`,
  )
}

/** Creates the schema of a role in the database of `tx`, and gives back what its tenant may have taken from itself. */
export async function ensureSchema(tx: SqlQueryable, role: string, database: string): Promise<void> {
  const name = quote(role)
  await lockSetup(tx)
  // The schema stays the platform's: its tenant may use it and create in it, not drop or rename it.
  await tx.query(`CREATE SCHEMA IF NOT EXISTS ${name}`)
  await tx.query(`GRANT CONNECT ON DATABASE ${quote(database)} TO ${name}`)
  await tx.query(`GRANT USAGE, CREATE ON SCHEMA ${name} TO ${name}`)
}

function settingsOf(role: string, statementTimeoutMs: number): string[] {
  return [
    `search_path = ${quote(role)}`,
    `statement_timeout = ${statementTimeoutMs}`,
    `lock_timeout = ${statementTimeoutMs}`,
    `idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
    "client_connection_check_interval = '1s'",
    "temp_file_limit = '256MB'",
    // A `timestamp` without a zone then is what a `Date` says.
    "timezone = 'UTC'",
  ]
}
