import type { User } from './options/platform-options.ts'

/** Rows of a query, and how many rows it returned or changed. */
export interface QueryResult<Row = Record<string, unknown>> {
  readonly rows: Row[]
  readonly rowCount: number
}

/** One statement of a batch: its text, or the text with values for `$1`, `$2`, … */
export type BatchStatement = string | { readonly text: string; readonly values?: readonly unknown[] | undefined }

/** Options of a cursor. */
export interface CursorOptions {
  /** Rows that are fetched at a time, 1 to 10000. @default 500 */
  readonly batchRows?: number | undefined
}

/** The ways to run SQL, on a connection of the pool or inside a transaction. */
export interface Queryable {
  /** Runs one statement; `$1`, `$2`, … refer to `values`. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
  /** Runs one statement written as a template: every `${value}` becomes a parameter, never text. */
  sql<Row = Record<string, unknown>>(strings: TemplateStringsArray, ...values: readonly unknown[]): Promise<QueryResult<Row>>
  /** Runs statements in one round trip, in order and in one transaction: all of them take effect, or none. */
  batch(statements: readonly BatchStatement[]): Promise<QueryResult[]>
  /**
   * Reads a large result without holding it: rows are fetched some at a time, no more than one batch ahead of what is being read.
   * Outside a transaction the statement may only read.
   */
  cursor<Row = Record<string, unknown>>(text: string, values?: readonly unknown[], options?: CursorOptions): AsyncGenerator<Row, void, undefined>
}

/** The function database. */
export interface ContextDatabase extends Queryable {
  /** Commits when `run` resolves, rolls back when it rejects or the invocation ends. */
  transaction<T>(run: (tx: Queryable) => Promise<T>): Promise<T>
}

/** Structured logging; `console` is captured too. */
export interface ContextLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** What the function sees of the HTTP request or of the call that started it. */
export interface ContextRequest {
  readonly method: string
  /** The original URL, mount path and all. */
  readonly url: string
  readonly path: string
  readonly query: Readonly<Record<string, string | readonly string[]>>
  readonly headers: Readonly<Record<string, string>>
}

/** Second argument of a handler (third of a `fetch` method, after its environment). */
export interface Context {
  readonly db: ContextDatabase
  readonly log: ContextLog
  readonly env: Readonly<Record<string, string>>
  /** Values of the secrets that the manifest names and that are set. Reading another is CAPABILITY_DENIED. */
  readonly secrets: Readonly<Record<string, string>>
  /**
   * Calls other JSON functions of the tenant, those that the manifest names. They get the caller's user and what is left of its time, and are cancelled with
   * it. Their failures are errors with `code`.
   */
  readonly functions: { invoke<Input = unknown, Output = unknown>(name: string, input?: Input): Promise<Output> }
  readonly request: ContextRequest
  readonly user: User | null
  readonly tenant: { readonly id: string }
  readonly invocation: {
    readonly id: string
    readonly function: string
    readonly version: string
    /** Where it belongs in a trace (W3C Trace Context), when there is one; `fetch` and `functions` pass it on by themselves. */
    readonly traceparent?: string
  }
  /** Aborted when the caller cancels. */
  readonly signal: AbortSignal
  /** When the invocation is killed, in milliseconds since 1970. */
  readonly deadline: number
  /** Keeps an HTTP invocation open until `promise` settles (the Workers convention); its deadline still holds. */
  waitUntil(promise: Promise<unknown>): void
}
