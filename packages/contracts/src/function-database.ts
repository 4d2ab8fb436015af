/** Figures of a connection pool at this moment. */
export interface PoolStats {
  readonly total: number
  readonly idle: number
  readonly waiting: number
  readonly queries: number
  readonly cancelled: number
  readonly terminated: number
}

/** How long something took, since the start. */
export interface Times {
  readonly count: number
  readonly meanMs: number
  readonly maxMs: number
}

/** Figures of one tenant's connections and queries. */
export interface TenantPoolStats extends PoolStats {
  /** Waiting for a connection. */
  readonly acquire: Times
  /** Round trips to the server with statements of functions. */
  readonly query: Times
}

/** Figures of the function database. */
export interface FunctionDatabaseStats extends TenantPoolStats {
  /** Most connections there may be. */
  readonly max: number
  /** Idle connections that were closed to make room for another tenant. */
  readonly evicted: number
  /** By tenant; those that used the database since the start. */
  readonly tenants: Readonly<Record<string, TenantPoolStats>>
}

/** Who asks: what is known of the invocation. */
export interface DatabaseCaller {
  readonly function: string
  readonly version: string
  readonly invocationId: string
}

/** A statement that took long, for `platform.on('slowQuery')`. */
export interface SlowQuery extends Partial<DatabaseCaller> {
  readonly tenant: string
  /** The first 1000 characters of its text; never its values. */
  readonly text: string
  readonly durationMs: number
  readonly rows: number
  readonly isSuccess: boolean
}

/** Result of a query with rows as arrays, in the order of `fields`. Values are the text that PostgreSQL sent. */
export interface RawQueryResult {
  readonly fields: readonly { readonly name: string; readonly typeId: number }[]
  readonly rows: readonly (readonly (string | null)[])[]
  readonly rowCount: number
}

/** Some rows of a cursor. */
export interface RawCursorPage extends Omit<RawQueryResult, 'rowCount'> {
  readonly cursor: number
  /** No more rows come; the cursor is closed. */
  readonly isLast: boolean
}

/** One statement of a batch. */
export interface RawStatement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** The database of one invocation. Everything it opened is gone after `end`. */
export interface DatabaseSession {
  /**
   * Runs one statement, on any connection, or inside the transaction that `begin` opened.
   *
   * @throws PlatformError QUERY_FAILED (with `details.sqlState`), QUERY_TIMEOUT, ACQUIRE_TIMEOUT, STORE_UNAVAILABLE
   */
  query(text: string, values: readonly unknown[], transaction?: number): Promise<RawQueryResult>
  /** Runs statements in one round trip: all of them take effect, or none. */
  batch(statements: readonly RawStatement[], transaction?: number): Promise<readonly RawQueryResult[]>
  /** Opens a cursor on a connection of its own, which may only read, or inside a transaction; gives its first rows. */
  openCursor(statement: RawStatement, batchRows: number, transaction?: number): Promise<RawCursorPage>
  fetchCursor(cursor: number): Promise<RawCursorPage>
  /** Does nothing for a cursor that is closed already. */
  closeCursor(cursor: number): Promise<void>
  /** Opens a transaction on a connection of its own and returns its number. */
  begin(): Promise<number>
  commit(transaction: number): Promise<void>
  rollback(transaction: number): Promise<void>
  /** Stops running queries and rolls back open transactions; resolves when every connection is back or gone. Idempotent. */
  end(): Promise<void>
}

/** A file of `migrations/`. */
export interface Migration {
  /** Without the folder. */
  readonly name: string
  readonly text: string
  /** Of `text`, in hexadecimal. */
  readonly sha256: string
}

/** The migrations of one function. */
export interface MigrationRequest {
  readonly function: string
  /** In the order in which they are applied; those that were applied before are among them. */
  readonly migrations: readonly Migration[]
}

/** How applying migrations went: all that were new took effect, or none did. */
export type MigrationOutcome =
  | {
      readonly kind: 'applied'
      /** Names of those that were new. */
      readonly applied: readonly string[]
      /** Names of those that were applied once and are not there any more. */
      readonly removed: readonly string[]
    }
  | {
      readonly kind: 'refused'
      /** Name of the one that cannot be applied. */
      readonly name: string
      readonly reason: 'changed' | 'order' | 'failed'
      readonly message: string
      /** 1-based place in `text`, in characters (code points); `undefined` when the server names none. */
      readonly position: number | undefined
    }

/** The function database of all tenants. */
export interface FunctionDatabase {
  /** Opens a session; costs nothing until the first query. `deadline`: milliseconds since 1970 at which the invocation is killed. */
  session(tenant: string, deadline: number, caller?: DatabaseCaller): DatabaseSession
  /**
   * Applies the migrations that are new, as the tenant, in one transaction; one host at a time for a tenant.
   *
   * @throws PlatformError STORE_UNAVAILABLE, ACQUIRE_TIMEOUT, CLOSED
   */
  migrate(tenant: string, request: MigrationRequest): Promise<MigrationOutcome>
  stats(): FunctionDatabaseStats
  close(): Promise<void>
  destroy(): Promise<void>
}
