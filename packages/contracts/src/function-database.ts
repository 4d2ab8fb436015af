/** Figures of a connection pool at this moment. */
export interface PoolStats {
  readonly total: number
  readonly idle: number
  readonly waiting: number
  readonly queries: number
  readonly cancelled: number
  readonly terminated: number
}

/** Result of a query with rows as arrays, in the order of `fields`. Values are what `pg` parses them to. */
export interface RawQueryResult {
  readonly fields: readonly { readonly name: string; readonly typeId: number }[]
  readonly rows: readonly (readonly unknown[])[]
  readonly rowCount: number
}

/** The database of one invocation. Everything it opened is gone after `end`. */
export interface DatabaseSession {
  /**
   * Runs one statement, on any connection, or inside the transaction that `begin` opened.
   *
   * @throws PlatformError QUERY_FAILED (with `details.sqlState`), QUERY_TIMEOUT, ACQUIRE_TIMEOUT, STORE_UNAVAILABLE
   */
  query(text: string, values: readonly unknown[], transaction?: number): Promise<RawQueryResult>
  /** Opens a transaction on a connection of its own and returns its number. */
  begin(): Promise<number>
  commit(transaction: number): Promise<void>
  rollback(transaction: number): Promise<void>
  /** Stops running queries and rolls back open transactions; resolves when every connection is back or gone. Idempotent. */
  end(): Promise<void>
}

/** The function database of all tenants. */
export interface FunctionDatabase {
  /** Opens a session; costs nothing until the first query. `deadline`: milliseconds since 1970 at which the invocation is killed. */
  session(tenant: string, deadline: number): DatabaseSession
  stats(): PoolStats
  close(): Promise<void>
  destroy(): Promise<void>
}
