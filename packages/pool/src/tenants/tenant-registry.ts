import { randomBytes } from 'node:crypto'
import { PlatformError, type Logger } from '@cordon/contracts'
import type { SqlConnection } from '../sql/sql-connection.ts'
import { createSqlPool, type SqlPool, type SqlQueryable } from '../sql/sql-pool.ts'
import { createDatabase, forgiving, lockSetup, quote, setUpDatabase } from './schema-setup.ts'

/** Options of a `TenantRegistry`. */
export interface TenantRegistryOptions {
  /** A superuser, or a role with CREATEDB and CREATEROLE. */
  readonly admin: SqlConnection
  readonly database: string
  readonly queryTimeoutMs: number
  /** Connections of one tenant from one host. */
  readonly maxPerTenant: number
  readonly logger?: Logger | undefined
}

/** Hosts that may serve the same tenant from the same database at once; the role's connection limit has room for them. */
const hostsPerDatabase = 4
/** The server stops a statement by itself only when the host did not: its own deadline lies after the host's. */
const serverGraceMs = 1000
/** No invocation holds a transaction that long; it ends those of a host that hangs. */
const idleInTransactionMs = 15 * 60_000
/** For the platform's own statements. Creating a database copies the template, which is slow on a slow disk. */
const setupTimeoutMs = 30_000

/** Roles and schemas of the tenants: one LOGIN role each, whose name is random because the catalogues show it to everyone. */
export class TenantRegistry {
  readonly #options: TenantRegistryOptions
  readonly #store: SqlPool
  readonly #connections = new Map<string, Promise<SqlConnection>>()
  #ready: Promise<void> | undefined

  constructor(options: TenantRegistryOptions) {
    this.#options = options
    this.#store = this.#poolFor(options.database)
  }

  #poolFor(database: string): SqlPool {
    const { admin } = this.#options
    return createSqlPool({
      connection: { ...admin, database },
      max: 2,
      acquireTimeoutMs: 5000,
      queryTimeoutMs: setupTimeoutMs,
      applicationName: 'cordon tenants',
    })
  }

  /** How a tenant signs in; its role and schema are created the first time. */
  connectionOf(tenant: string): Promise<SqlConnection> {
    return this.#once(tenant)
  }

  /** Brings back what a tenant took from itself (its password, its right to connect). */
  repair(tenant: string): Promise<SqlConnection> {
    this.#connections.delete(tenant)
    return this.#once(tenant)
  }

  #once(tenant: string): Promise<SqlConnection> {
    const known = this.#connections.get(tenant)
    if (known !== undefined) return known
    const connection = this.#ensure(tenant)
    this.#connections.set(tenant, connection)
    // A failure is not kept: the server may be back for the next call.
    connection.catch(() => this.#connections.get(tenant) === connection && this.#connections.delete(tenant))
    return connection
  }

  /** Creates the database, if that has not happened. */
  prepare(): Promise<void> {
    const ready = (this.#ready ??= this.#prepare())
    ready.catch(() => {
      if (this.#ready === ready) this.#ready = undefined
    })
    return ready
  }

  async #prepare(): Promise<void> {
    const { admin, database, logger } = this.#options
    try {
      await setUpDatabase(this.#store, database, logger)
    } catch (error) {
      if (!(error instanceof PlatformError) || error.details['code'] !== '3D000') throw error
      const pool = this.#poolFor(admin.database)
      try {
        await createDatabase(pool, database)
      } finally {
        await pool.close()
      }
      await setUpDatabase(this.#store, database, logger)
    }
  }

  async #ensure(tenant: string): Promise<SqlConnection> {
    await this.prepare()
    const role = await this.#store.transaction((tx) => this.#ensureRole(tx, tenant))
    const { admin, database } = this.#options
    return { ...admin, database, user: role.name, password: role.password }
  }

  async #ensureRole(tx: SqlQueryable, tenant: string): Promise<{ name: string; password: string }> {
    const fresh = { name: `t_${randomBytes(8).toString('hex')}`, password: randomBytes(24).toString('base64url') }
    await lockSetup(tx)
    await tx.query('INSERT INTO cordon.cordon_tenants (tenant, role, password) VALUES ($1, $2, $3) ON CONFLICT (tenant) DO NOTHING', [
      tenant,
      fresh.name,
      fresh.password,
    ])
    const { rows } = await tx.query<{ role: string; password: string; settings: string }>(
      'SELECT role, password, settings FROM cordon.cordon_tenants WHERE tenant = $1 FOR UPDATE',
      [tenant],
    )
    const row = rows[0]
    if (row === undefined) throw new PlatformError('STORE_UNAVAILABLE', 'Cannot create the schema of a tenant: its row vanished')
    const name = quote(row.role)
    const database = quote(this.#options.database)
    if (row.role === fresh.name) {
      await tx.query(`CREATE ROLE ${name}`)
      // To stop a statement one must be a superuser or a member of its role.
      await tx.query(
        `DO $do$ BEGIN IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN GRANT ${name} TO CURRENT_USER; END IF; END $do$`,
      )
      // The schema stays the platform's: its tenant may use it and create in it, not drop or rename it.
      await tx.query(`CREATE SCHEMA ${name}`)
    }
    await tx.query(`ALTER ROLE ${name} LOGIN CONNECTION LIMIT ${this.#options.maxPerTenant * hostsPerDatabase} PASSWORD '${row.password}'`)
    await tx.query(`GRANT CONNECT ON DATABASE ${database} TO ${name}`)
    await tx.query(`GRANT USAGE, CREATE ON SCHEMA ${name} TO ${name}`)
    const settings = this.#settings(row.role)
    if (settings.join(';') !== row.settings) {
      for (const setting of settings) await tx.query(forgiving(`ALTER ROLE ${name} SET ${setting}`))
      await tx.query('UPDATE cordon.cordon_tenants SET settings = $2 WHERE tenant = $1', [tenant, settings.join(';')])
    }
    return { name: row.role, password: row.password }
  }

  #settings(role: string): string[] {
    const serverTimeoutMs = this.#options.queryTimeoutMs + serverGraceMs
    return [
      `search_path = ${quote(role)}`,
      `statement_timeout = ${serverTimeoutMs}`,
      `lock_timeout = ${serverTimeoutMs}`,
      `idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
      "client_connection_check_interval = '1s'",
      "temp_file_limit = '256MB'",
    ]
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  async destroy(): Promise<void> {
    await this.#store.destroy()
  }
}
