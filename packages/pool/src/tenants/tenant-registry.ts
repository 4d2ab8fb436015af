import { PlatformError, type Logger } from '@cordon/contracts'
import type { SqlConnection } from '../sql/sql-connection.ts'
import { createSqlPool, type SqlPool } from '../sql/sql-pool.ts'
import { inDatabase, setUpDatabase } from './schema-setup.ts'
import { removeRole, type RemovableTenant } from './remove-role.ts'
import { ensureRole, ensureSchema } from './tenant-role.ts'

/** Options of a `TenantRegistry`. */
export interface TenantRegistryOptions {
  /** A superuser, or a role with CREATEDB and CREATEROLE. */
  readonly admin: SqlConnection
  /** The database that tenants share, and that knows all of them. */
  readonly database: string
  /** Where a new tenant goes; one that exists stays where it is. */
  readonly tenancy: 'schema' | 'database'
  readonly queryTimeoutMs: number
  /** Connections of one tenant from one host. */
  readonly maxPerTenant: number
  readonly logger?: Logger | undefined
}

/** Hosts that may serve the same tenant from the same database at once; the role's connection limit has room for them. */
const hostsPerDatabase = 4
/** The server stops a statement by itself only when the host did not: its own deadline lies after the host's. */
const serverGraceMs = 1000
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
    this.#store = this.open(options.database, 2)
  }

  /** A pool of the platform's own role on one of the databases. */
  open(database: string, max = 1): SqlPool {
    return createSqlPool({
      connection: { ...this.#options.admin, database },
      max,
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
    const ready = (this.#ready ??= this.#setUp(this.#options.database))
    ready.catch(() => {
      if (this.#ready === ready) this.#ready = undefined
    })
    return ready
  }

  #setUp(database: string, role?: string): Promise<void> {
    const { admin, logger } = this.#options
    return inDatabase(database, { open: (name) => this.open(name), admin: admin.database }, async (store) => {
      await setUpDatabase(store, database, logger)
      if (role !== undefined) await store.transaction((tx) => ensureSchema(tx, role, database))
    })
  }

  async #ensure(tenant: string): Promise<SqlConnection> {
    await this.prepare()
    const { admin, database: shared, tenancy, queryTimeoutMs, maxPerTenant } = this.#options
    const { role, password, database } = await this.#store.transaction(async (tx) => {
      const found = await ensureRole(tx, tenant, {
        hasOwnDatabase: tenancy === 'database',
        connectionLimit: maxPerTenant * hostsPerDatabase,
        statementTimeoutMs: queryTimeoutMs + serverGraceMs,
      })
      if (found.database === null) await ensureSchema(tx, found.role, shared)
      return found
    })
    if (database !== null) await this.#setUp(database, role)
    return { ...admin, database: database ?? shared, user: role, password }
  }

  /** Where a tenant's tables are; `undefined` when it has none. */
  async find(tenant: string): Promise<RemovableTenant | undefined> {
    await this.prepare()
    const { rows } = await this.#store.query<RemovableTenant>('SELECT tenant, role, database FROM cordon.cordon_tenants WHERE tenant = $1', [tenant])
    return rows[0]
  }

  /**
   * Ends the tenant's connections, also those of other hosts, and deletes its tables, schema or database, and role.
   *
   * @throws PlatformError STORE_UNAVAILABLE
   */
  async remove(tenant: string): Promise<void> {
    this.#connections.delete(tenant)
    const found = await this.find(tenant)
    if (found === undefined) return
    const admin = this.open(this.#options.admin.database)
    try {
      await removeRole({ shared: this.#store, admin }, found)
    } catch (error) {
      if (error instanceof PlatformError) throw error
      throw new PlatformError('STORE_UNAVAILABLE', 'Cannot remove the tables of the tenant: the database refused it', { cause: error })
    } finally {
      await admin.close()
    }
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  async destroy(): Promise<void> {
    await this.#store.destroy()
  }
}
