import { PlatformError, type DatabaseSession, type FunctionDatabase, type Logger, type PoolStats } from '@cordon/contracts'
import { ClientPool } from '../sql/client-pool.ts'
import { ConnectionBudget } from '../sql/connection-budget.ts'
import type { SqlConnection } from '../sql/sql-connection.ts'
import { createStopper, type OwnedStopper } from '../sql/stopper.ts'
import { Lease, type QueryCounters } from './lease.ts'
import { createSession } from './session.ts'
import type { ResultLimits, TypeParserOf } from './statement.ts'
import { TenantRegistry } from './tenant-registry.ts'

/** Options of `createFunctionDatabase`. */
export interface FunctionDatabaseOptions {
  /** How the platform signs in: a superuser, or a role with CREATEDB and CREATEROLE. */
  readonly admin: SqlConnection
  /** Name of the database that holds the tenants' schemas. @default `<database of admin>_functions` */
  readonly database?: string | undefined
  /** Where a new tenant's tables go: a schema of that database, or a database of their own. @default 'schema' */
  readonly tenancy?: 'schema' | 'database' | undefined
  /** Most connections of all tenants; an idle one of whoever was served longest ago makes room. @default 50 */
  readonly connections?: number | undefined
  /** Most connections of one tenant. @default 5 */
  readonly tenantConnections?: number | undefined
  /** Longest wait for a connection. @default 5000 */
  readonly acquireTimeoutMs?: number | undefined
  /** Longest time for one statement. @default 5000 */
  readonly queryTimeoutMs?: number | undefined
  /** Most rows of one result. @default 100_000 */
  readonly resultRows?: number | undefined
  /** Most bytes of one result, on the wire. @default 10_000_000 */
  readonly resultBytes?: number | undefined
  readonly logger?: Logger | undefined
}

/** The function database of this package. */
export interface PooledFunctionDatabase extends FunctionDatabase, AsyncDisposable {
  /** Creates the database, and the role and schema of `tenant`, ahead of the first query (which does it otherwise). */
  prepare(tenant?: string): Promise<void>
  /**
   * Ends what a tenant runs, on every host, and deletes all it has in the database. A query of that tenant afterwards begins anew.
   *
   * @throws PlatformError STORE_UNAVAILABLE
   */
  remove(tenant: string): Promise<void>
}

/** Creates the function database; nothing is connected or created before `prepare` or the first query. */
export function createFunctionDatabase(options: FunctionDatabaseOptions): PooledFunctionDatabase {
  return new TenantDatabase(options)
}

/** SQLSTATEs of a sign-in that fails because of what a tenant did to its own role: wrong password, no right to connect. */
const repairable = new Set(['28P01', '28000', '42501'])

class TenantDatabase implements PooledFunctionDatabase {
  readonly #tenantConnections: number
  readonly #budget: ConnectionBudget
  readonly #acquireTimeoutMs: number
  readonly #queryTimeoutMs: number
  readonly #limits: ResultLimits
  readonly #registry: TenantRegistry
  readonly #stopper: OwnedStopper
  readonly #counters: QueryCounters = { queries: 0, cancelled: 0, terminated: 0 }
  readonly #pools = new Map<string, Promise<ClientPool>>()
  readonly #opened = new Set<ClientPool>()
  #parserOf: TypeParserOf | undefined
  #isClosed = false

  constructor(options: FunctionDatabaseOptions) {
    const { admin, logger } = options
    const database = options.database ?? `${admin.database}_functions`
    this.#tenantConnections = options.tenantConnections ?? 5
    this.#budget = new ConnectionBudget(options.connections ?? 50)
    this.#acquireTimeoutMs = options.acquireTimeoutMs ?? 5000
    this.#queryTimeoutMs = options.queryTimeoutMs ?? 5000
    this.#limits = { maxRows: options.resultRows ?? 100_000, maxBytes: options.resultBytes ?? 10_000_000 }
    this.#registry = new TenantRegistry({
      admin,
      database,
      tenancy: options.tenancy ?? 'schema',
      queryTimeoutMs: this.#queryTimeoutMs,
      maxPerTenant: this.#tenantConnections,
      logger,
    })
    this.#stopper = createStopper({ ...admin, database }, 'cordon stopper')
  }

  async prepare(tenant?: string): Promise<void> {
    if (tenant === undefined) await this.#registry.prepare()
    else await this.#registry.connectionOf(tenant)
  }

  session(tenant: string, deadline: number): DatabaseSession {
    return createSession({
      deadline,
      acquireTimeoutMs: this.#acquireTimeoutMs,
      queryTimeoutMs: this.#queryTimeoutMs,
      acquire: (timeoutMs, signal) => this.#acquire(tenant, { timeoutMs, signal }),
    })
  }

  async #acquire(tenant: string, { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Promise<Lease> {
    if (this.#isClosed) throw new PlatformError('CLOSED', 'Cannot run the query: the platform is closed')
    const parserOf = (this.#parserOf ??= await loadParsers())
    const pool = await this.#poolOf(tenant)
    try {
      return this.#lease(await pool.acquire(timeoutMs, signal), parserOf)
    } catch (error) {
      if (!(error instanceof PlatformError) || !repairable.has(String(error.details['code']))) throw error
      await this.#registry.repair(tenant)
      return this.#lease(await pool.acquire(timeoutMs, signal), parserOf)
    }
  }

  #lease(client: Awaited<ReturnType<ClientPool['acquire']>>, parserOf: TypeParserOf): Lease {
    return new Lease(client, { stopper: this.#stopper, limits: this.#limits, parserOf, counters: this.#counters })
  }

  #poolOf(tenant: string): Promise<ClientPool> {
    const known = this.#pools.get(tenant)
    if (known !== undefined) return known
    const opening = this.#open(tenant)
    this.#pools.set(tenant, opening)
    opening.catch(() => this.#pools.delete(tenant))
    return opening
  }

  async #open(tenant: string): Promise<ClientPool> {
    const connection = await this.#registry.connectionOf(tenant)
    if (this.#isClosed) throw new PlatformError('CLOSED', 'Cannot run the query: the platform is closed')
    const pool = new ClientPool({
      connection,
      max: this.#tenantConnections,
      applicationName: 'cordon function',
      act: 'run the query',
      budget: this.#budget,
    })
    this.#opened.add(pool)
    return pool
  }

  async remove(tenant: string): Promise<void> {
    const pool = await this.#pools.get(tenant)?.catch(() => undefined)
    this.#pools.delete(tenant)
    if (pool !== undefined) {
      this.#opened.delete(pool)
      await pool.destroy()
    }
    await this.#registry.remove(tenant)
  }

  stats(): PoolStats {
    const sum = { total: 0, idle: 0, waiting: 0 }
    for (const pool of this.#opened) {
      const { total, idle, waiting } = pool.stats()
      sum.total += total
      sum.idle += idle
      sum.waiting += waiting
    }
    return { ...sum, ...this.#counters }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#pools.values())
    await Promise.all([...this.#opened].map((pool) => pool.close()))
    await Promise.all([this.#stopper.close(), this.#registry.close()])
  }

  async destroy(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#opened].map((pool) => pool.destroy()))
    await Promise.all([this.#stopper.destroy(), this.#registry.destroy()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function loadParsers(): Promise<TypeParserOf> {
  const { types } = (await import('pg')).default
  // The declared parameter is an enumeration of the built-in types; types of extensions and arrays are numbers all the same.
  const parserOf: (typeId: number, format: 'text') => (text: string) => unknown = types.getTypeParser
  return (typeId) => parserOf(typeId, 'text')
}
