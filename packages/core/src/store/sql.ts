import type { SqlPool } from '@cordon/pool'

/** The store's way to the database: the pool, or a transaction on one of its connections. */
export type Sql = Pick<SqlPool, 'query'>

/** A row as the driver gives it. */
export type Row = Readonly<Record<string, unknown>>
