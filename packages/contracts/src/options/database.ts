import { integer, type OptionTable } from './check.ts'

/** How much of the function database functions may use: connections of one host, and the budgets of statements and invocations. */
export interface DatabaseOptions {
  /** Connections of all tenants together. All hosts together have to stay below what the server takes, usually 100. @default 50 */
  readonly connections: number
  /** Connections of one tenant. @default 5 */
  readonly tenantConnections: number
  /** Longest wait for a connection, in milliseconds. @default 5000 */
  readonly acquireTimeoutMs: number
  /** Longest time for one statement, in milliseconds; it is stopped on the server too. @default 5000 */
  readonly queryTimeoutMs: number
  /** Most rows of one result, or of one batch of a cursor. @default 100000 */
  readonly resultRows: number
  /** Most bytes of one result, or of one batch of a cursor, as they come from the server. @default 10000000 */
  readonly resultBytes: number
  /** Statements of one invocation. @default 10000 */
  readonly statements: number
  /** Rows that the statements of one invocation may give together. @default 1000000 */
  readonly rows: number
  /** Bytes that the statements of one invocation may give together. @default 250000000 */
  readonly bytes: number
  /** Round trips to the server that take at least this long are reported as the event `slowQuery`, in milliseconds. @default 1000 */
  readonly slowQueryMs: number
  /** Longest time for the migrations of one deployment together, in milliseconds. @default 60000 */
  readonly migrationTimeoutMs: number
}

/** Longest timer that Node can hold, in milliseconds. */
const maxTimerMs = 2_147_483_647
const maxCount = 1_000_000_000_000

/** Defaults and checks of the options of the function database. Described in docs/reference/platform-options.md. */
export const databaseTable: OptionTable<DatabaseOptions> = {
  connections: integer(50, { min: 1, max: 10_000 }),
  tenantConnections: integer(5, { min: 1, max: 1000 }),
  acquireTimeoutMs: integer(5000, { min: 1, max: maxTimerMs }),
  queryTimeoutMs: integer(5000, { min: 1, max: maxTimerMs }),
  resultRows: integer(100_000, { min: 1, max: 10_000_000 }),
  resultBytes: integer(10_000_000, { min: 1000, max: 256_000_000 }),
  statements: integer(10_000, { min: 1, max: maxCount }),
  rows: integer(1_000_000, { min: 1, max: maxCount }),
  bytes: integer(250_000_000, { min: 1000, max: maxCount }),
  slowQueryMs: integer(1000, { min: 0, max: maxTimerMs }),
  migrationTimeoutMs: integer(60_000, { min: 1, max: 86_400_000 }),
}
