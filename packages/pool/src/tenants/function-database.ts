import {
  PlatformError,
  type DatabaseCaller,
  type DatabaseSession,
  type FunctionDatabase,
  type FunctionDatabaseStats,
  type Logger,
  type MigrationOutcome,
  type MigrationRequest,
  type PoolStats,
  type SlowQuery,
  type TenantPoolStats,
} from '@cordon/contracts'
import { ClientPool } from '../sql/client-pool.ts'
import { ConnectionBudget } from '../sql/connection-budget.ts'
import type { End } from '../sql/end.ts'
import type { SqlConnection } from '../sql/sql-connection.ts'
import { createStopper, type OwnedStopper } from '../sql/stopper.ts'
import { exportPageBytes, exportTenant, type ExportedItem } from './export.ts'
import { Lease } from './lease.ts'
import { applyMigrations, type Stoppable } from './migrations.ts'
import { QueryBudget, type BudgetLimits } from './query-budget.ts'
import { QueryTally } from './query-tally.ts'
import { createSession } from './session.ts'
import { TenantRegistry } from './tenant-registry.ts'

/** Options of `createFunctionDatabase`. */
export interface FunctionDatabaseOptions extends Partial<BudgetLimits> {
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
  /** Statements that take at least this long are reported. @default 1000 */
  readonly slowQueryMs?: number | undefined
  readonly onSlowQuery?: ((query: SlowQuery) => void) | undefined
  /** Longest time for the migrations of one deployment together. @default 60000 */
  readonly migrationTimeoutMs?: number | undefined
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
  /**
   * Everything a tenant has in the database, as it was at one moment; nothing for a tenant that has never used it.
   *
   * @throws PlatformError STORE_UNAVAILABLE, ACQUIRE_TIMEOUT
   */
  export(tenant: string): AsyncGenerator<ExportedItem, void, undefined>
}

/** Creates the function database; nothing is connected or created before `prepare` or the first query. */
export function createFunctionDatabase(options: FunctionDatabaseOptions): PooledFunctionDatabase {
  return new TenantDatabase(options)
}

/** SQLSTATEs of a sign-in that fails because of what a tenant did to its own role: wrong password, no right to connect. */
const repairable = new Set(['28P01', '28000', '42501'])
/** Longest time for an export; as long as it runs, the server keeps old versions of rows. */
const exportMs = 60 * 60_000
/** Characters of a statement in a report. */
const reportedText = 1000

interface Tenant {
  readonly pool: Promise<ClientPool>
  readonly tally: QueryTally
  /** The pool, once it is there. */
  opened: ClientPool | undefined
}

class TenantDatabase implements PooledFunctionDatabase {
  readonly #tenantConnections: number
  readonly #shared: SqlConnection
  readonly #migrationTimeoutMs: number
  /** Migrations that run. */
  readonly #migrating = new Set<Stoppable>()
  readonly #budget: ConnectionBudget
  readonly #acquireTimeoutMs: number
  readonly #queryTimeoutMs: number
  readonly #limits: BudgetLimits
  readonly #slowQueryMs: number
  readonly #onSlowQuery: ((query: SlowQuery) => void) | undefined
  readonly #registry: TenantRegistry
  readonly #stopper: OwnedStopper
  readonly #tally = new QueryTally()
  readonly #tenants = new Map<string, Tenant>()
  #isClosed = false

  constructor(options: FunctionDatabaseOptions) {
    const { admin, logger, onSlowQuery } = options
    const database = options.database ?? `${admin.database}_functions`
    this.#shared = { ...admin, database }
    this.#migrationTimeoutMs = options.migrationTimeoutMs ?? 60_000
    this.#tenantConnections = options.tenantConnections ?? 5
    this.#budget = new ConnectionBudget(options.connections ?? 50)
    this.#acquireTimeoutMs = options.acquireTimeoutMs ?? 5000
    this.#queryTimeoutMs = options.queryTimeoutMs ?? 5000
    this.#limits = {
      resultRows: options.resultRows ?? 100_000,
      resultBytes: options.resultBytes ?? 10_000_000,
      statements: options.statements ?? 10_000,
      rows: options.rows ?? 1_000_000,
      bytes: options.bytes ?? 250_000_000,
    }
    this.#slowQueryMs = options.slowQueryMs ?? 1000
    this.#onSlowQuery = onSlowQuery
    this.#registry = new TenantRegistry({
      admin,
      database,
      tenancy: options.tenancy ?? 'schema',
      queryTimeoutMs: this.#queryTimeoutMs,
      maxPerTenant: this.#tenantConnections,
      logger,
    })
    this.#stopper = createStopper(this.#shared, 'cordon stopper')
  }

  async prepare(tenant?: string): Promise<void> {
    if (tenant === undefined) await this.#registry.prepare()
    else await this.#registry.connectionOf(tenant)
  }

  session(tenant: string, deadline: number, caller?: DatabaseCaller): DatabaseSession {
    return createSession({
      deadline,
      acquireTimeoutMs: this.#acquireTimeoutMs,
      queryTimeoutMs: this.#queryTimeoutMs,
      budget: new QueryBudget(this.#limits),
      acquire: (timeoutMs, end) => this.#acquire(tenant, { timeoutMs, end }),
      onRun: (text, { durationMs, rows, isSuccess }) => {
        if (durationMs < this.#slowQueryMs) return
        this.#onSlowQuery?.({ tenant, ...caller, text: text.slice(0, reportedText), durationMs, rows, isSuccess })
      },
    })
  }

  async migrate(tenant: string, request: MigrationRequest): Promise<MigrationOutcome> {
    if (this.#isClosed) throw new PlatformError('CLOSED', 'Cannot apply the migrations: the platform is closed')
    return applyMigrations(
      {
        store: this.#shared,
        // What the tenant took from its own role is given back.
        connection: await this.#registry.repair(tenant),
        stopper: this.#stopper,
        budget: this.#budget,
        acquireTimeoutMs: this.#acquireTimeoutMs,
        timeoutMs: this.#migrationTimeoutMs,
        running: this.#migrating,
      },
      tenant,
      request,
    )
  }

  async #acquire(name: string, { timeoutMs, end }: { timeoutMs: number; end: End }): Promise<Lease> {
    if (this.#isClosed) throw closed()
    const from = performance.now()
    const tenant = this.#tenantOf(name)
    const pool = tenant.opened ?? (await tenant.pool)
    const client = await pool.acquire(timeoutMs, end).catch(async (error: unknown) => {
      if (!(error instanceof PlatformError) || !repairable.has(String(error.details['code']))) throw error
      await this.#registry.repair(name)
      return pool.acquire(timeoutMs, end)
    })
    tenant.tally.acquired(performance.now() - from)
    return new Lease(client, { stopper: this.#stopper, tally: tenant.tally })
  }

  #tenantOf(name: string): Tenant {
    const known = this.#tenants.get(name)
    if (known !== undefined) return known
    const tenant: Tenant = { pool: this.#open(name), tally: new QueryTally(this.#tally), opened: undefined }
    this.#tenants.set(name, tenant)
    tenant.pool.then(
      (pool) => {
        tenant.opened = pool
      },
      () => this.#tenants.delete(name),
    )
    return tenant
  }

  async #open(tenant: string): Promise<ClientPool> {
    const connection = await this.#registry.connectionOf(tenant)
    if (this.#isClosed) throw closed()
    return new ClientPool({
      connection,
      max: this.#tenantConnections,
      applicationName: 'cordon function',
      act: 'run the query',
      budget: this.#budget,
    })
  }

  async remove(name: string): Promise<void> {
    const tenant = this.#tenants.get(name)
    this.#tenants.delete(name)
    const pool = await tenant?.pool.catch(() => undefined)
    await pool?.destroy()
    await this.#registry.remove(name)
  }

  async *export(tenant: string): AsyncGenerator<ExportedItem, void, undefined> {
    if ((await this.#registry.find(tenant)) === undefined) return
    const session = createSession({
      deadline: Date.now() + exportMs,
      acquireTimeoutMs: this.#acquireTimeoutMs,
      queryTimeoutMs: this.#queryTimeoutMs,
      budget: new QueryBudget({ resultRows: Infinity, resultBytes: exportPageBytes, statements: Infinity, rows: Infinity, bytes: Infinity }),
      acquire: (timeoutMs, end) => this.#acquire(tenant, { timeoutMs, end }),
      onRun: () => undefined,
    })
    try {
      yield* exportTenant(session)
    } finally {
      await session.end()
    }
  }

  stats(): FunctionDatabaseStats {
    const sum = { total: 0, idle: 0, waiting: 0 }
    const tenants: Record<string, TenantPoolStats> = Object.create(null)
    for (const [name, { opened, tally }] of this.#tenants) {
      const connections = opened?.stats() ?? noConnections
      sum.total += connections.total
      sum.idle += connections.idle
      sum.waiting += connections.waiting
      tenants[name] = { ...connections, ...tally.stats() }
    }
    return { max: this.#budget.max, evicted: this.#budget.evicted, ...sum, ...this.#tally.stats(), tenants }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const pools = await this.#pools()
    await Promise.all(pools.map((pool) => pool.close()))
    await Promise.all([this.#stopper.close(), this.#registry.close()])
  }

  async destroy(): Promise<void> {
    this.#isClosed = true
    const pools = Array.from(this.#tenants.values(), async ({ opened }) => opened?.destroy())
    await Promise.all([...pools, ...Array.from(this.#migrating, (one) => one.destroy())])
    await Promise.all([this.#stopper.destroy(), this.#registry.destroy()])
  }

  async #pools(): Promise<ClientPool[]> {
    const settled = await Promise.allSettled(Array.from(this.#tenants.values(), ({ pool }) => pool))
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const noConnections: Pick<PoolStats, 'total' | 'idle' | 'waiting'> = { total: 0, idle: 0, waiting: 0 }

function closed(): PlatformError {
  return new PlatformError('CLOSED', 'Cannot run the query: the platform is closed')
}
