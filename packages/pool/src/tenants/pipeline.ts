import type { RawQueryResult } from '@cordon/contracts'
import type { Connection, Submittable } from 'pg'
import { toParameter } from './parameter.ts'
import { resetText } from './reset.ts'
import { sqlError } from '../sql/sql-state.ts'

/** How much of a result the host takes. */
export interface ResultLimits {
  readonly maxRows: number
  /** Counted on the wire, notices and all. */
  readonly maxBytes: number
}

/** One step: a statement, or more rows of a portal that an earlier statement opened. */
export type Step =
  | {
      readonly kind: 'run'
      readonly text: string
      readonly values: readonly unknown[]
      /** Keeps the statement open under this name, when it has more rows than `maxRows`. */
      readonly portal?: string
      readonly maxRows?: number
    }
  | { readonly kind: 'fetch'; readonly portal: string; readonly maxRows: number }

/** What one step gave. */
export interface StepResult extends RawQueryResult {
  /** First word of the tag, for example `SELECT` or `COMMIT`. Empty for a statement that is a comment only, and for one that has more rows. */
  readonly command: string
  /** Whether the portal has more rows. */
  readonly isSuspended: boolean
}

/** The result was larger than the host takes; the connection was given up in the middle of it. */
export class ResultTooLarge extends Error {}

interface FieldDescription {
  readonly name: string
  readonly dataTypeID: number
}

/** Bounds of what comes back, and what has to follow. */
export interface PipelineOptions {
  readonly limits: ResultLimits
  /** Called when too much arrives; has to end the connection. */
  readonly giveUp: () => void
  /** Has the text of a `Reset` written behind the steps; called then, to make one the next query of the connection. */
  readonly onReset: (() => void) | undefined
}

/**
 * Steps in the extended protocol, which refuses a second statement after a `;`, written at once and ended by one Sync: outside of a
 * transaction the server makes one of them. `pg` calls the `handle…` methods (its interface for custom queries). Unlike its own query this
 * counts what arrives: as soon as it is too much nothing more is read, so neither rows nor one huge value fill the host's memory.
 * Values stay text: the sandbox reads them.
 */
export class Pipeline implements Submittable {
  readonly result: Promise<readonly StepResult[]>
  readonly #steps: readonly Step[]
  readonly #values: readonly (string | Buffer | null)[][]
  readonly #options: PipelineOptions
  readonly #results: StepResult[] = []
  #settle: { resolve: (results: readonly StepResult[]) => void; reject: (error: unknown) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  }
  #fields: RawQueryResult['fields'] = []
  #rows: (readonly (string | null)[])[] = []
  #rowCount = 0
  #byteCount = 0
  #error: unknown
  #connection: Connection | undefined
  readonly #count = (chunk: Buffer): void => {
    this.#byteCount += chunk.length
    if (this.#byteCount > this.#options.limits.maxBytes) this.#cut(new ResultTooLarge(`more than ${this.#options.limits.maxBytes} bytes`))
  }

  constructor(steps: readonly Step[], options: PipelineOptions) {
    this.#steps = steps
    this.#values = steps.map((step) => (step.kind === 'run' ? step.values.map(toParameter) : []))
    this.#options = options
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  /** Rows that arrived so far. */
  get rowCount(): number {
    return this.#rowCount
  }

  /** Bytes that arrived so far. */
  get byteCount(): number {
    return this.#byteCount
  }

  submit(connection: Connection): null {
    this.#connection = connection
    // In front of the parser: the chunk that is one too many may also be the last one.
    connection.stream.prependListener('data', this.#count)
    connection.stream.cork()
    for (const [index, step] of this.#steps.entries()) write(connection, step, this.#values[index] ?? [])
    connection.sync()
    const { onReset } = this.#options
    if (onReset !== undefined) connection.query(resetText)
    connection.stream.uncork()
    onReset?.()
    return null
  }

  handleRowDescription({ fields }: { fields: readonly FieldDescription[] }): void {
    this.#fields = fields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID }))
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#error !== undefined) return
    if (this.#rowCount >= this.#options.limits.maxRows) return this.#cut(new ResultTooLarge(`more than ${this.#options.limits.maxRows} rows`))
    this.#rowCount++
    this.#rows.push(fields)
  }

  handleCommandComplete({ text }: { text: string }): void {
    // "INSERT 0 3", "SELECT 2", "CREATE TABLE"
    this.#next(text.split(' ')[0] ?? '', Number(/\d+$/.exec(text)?.[0] ?? 0), false)
  }

  handleEmptyQuery(): void {
    // Nothing but a comment.
    this.#next('', 0, false)
  }

  handlePortalSuspended(): void {
    this.#next('', this.#rows.length, true)
  }

  handleCopyInResponse(): void {
    // The server reads nothing but data now: what was written behind this step is lost, and so is the connection.
    this.#cut(sqlError('0A000', 'COPY FROM STDIN is not available'))
  }

  handleCopyData(): void {
    // COPY TO STDOUT: counted as bytes, otherwise dropped.
  }

  handleError(error: unknown): void {
    this.#finish()
    this.#settle.reject(this.#error ?? error)
  }

  handleReadyForQuery(): void {
    this.#finish()
    if (this.#error === undefined) this.#settle.resolve(this.#results)
    else this.#settle.reject(this.#error)
  }

  #next(command: string, rowCount: number, isSuspended: boolean): void {
    this.#results.push({ fields: this.#fields, rows: this.#rows, rowCount, command, isSuspended })
    this.#fields = []
    this.#rows = []
  }

  #cut(error: Error): void {
    if (this.#error !== undefined) return
    this.#error = error
    this.#rows.length = 0
    this.#results.length = 0
    this.#connection?.stream.pause()
    this.#options.giveUp()
  }

  #finish(): void {
    this.#connection?.stream.off('data', this.#count)
  }
}

function write(connection: Connection, step: Step, values: (string | Buffer | null)[]): void {
  const { portal = '' } = step
  if (step.kind === 'run') {
    connection.parse({ text: step.text, name: '', types: [] }, true)
    connection.bind({ portal, values }, true)
    connection.describe({ type: 'P', name: portal }, true)
  }
  connection.execute(step.maxRows === undefined ? { portal } : { portal, rows: String(step.maxRows) }, true)
}
