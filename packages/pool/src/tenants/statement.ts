import type { RawQueryResult } from '@cordon/contracts'
import type { Connection, Submittable } from 'pg'
import { toParameter } from './parameter.ts'

/** How much of a result the host takes. */
export interface ResultLimits {
  readonly maxRows: number
  /** Counted on the wire, notices and all. */
  readonly maxBytes: number
}

/** Finds the parser for a type: `pg.types.getTypeParser`. */
export type TypeParserOf = (typeId: number) => (text: string) => unknown

/** The result was larger than the host takes; the connection was given up in the middle of it. */
export class ResultTooLarge extends Error {}

/** Options of a `Statement`. */
export interface StatementOptions {
  readonly limits: ResultLimits
  readonly parserOf: TypeParserOf
  /** Called once, when the result is too large. */
  readonly giveUp: () => void
}

interface FieldDescription {
  readonly name: string
  readonly dataTypeID: number
}

/**
 * One statement in the extended protocol, which refuses a second statement after a `;`. `pg` calls the `handle…`
 * methods (its interface for custom queries). Unlike its own query it counts what arrives: as soon as a result
 * is too large nothing more is read, so neither rows nor one huge value fill the host's memory. `giveUp` has to end the connection then.
 */
export class Statement implements Submittable {
  readonly result: Promise<RawQueryResult>
  /** First word of the tag of the finished statement, for example `SELECT` or `COMMIT`. */
  command = ''
  readonly #text: string
  readonly #values: readonly unknown[]
  readonly #limits: ResultLimits
  readonly #parserOf: TypeParserOf
  readonly #giveUp: () => void
  #settle: { resolve: (result: RawQueryResult) => void; reject: (error: unknown) => void } = { resolve: () => undefined, reject: () => undefined }
  #fields: readonly FieldDescription[] = []
  #parsers: ((text: string) => unknown)[] = []
  readonly #rows: unknown[][] = []
  #rowCount = 0
  #bytes = 0
  #error: unknown
  #connection: Connection | undefined
  readonly #count = (chunk: Buffer): void => {
    this.#bytes += chunk.length
    if (this.#bytes > this.#limits.maxBytes) this.#cut(`more than ${this.#limits.maxBytes} bytes`)
  }

  constructor(text: string, values: readonly unknown[], { limits, parserOf, giveUp }: StatementOptions) {
    this.#text = text
    this.#values = values
    this.#limits = limits
    this.#parserOf = parserOf
    this.#giveUp = giveUp
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  submit(connection: Connection): Error | null {
    let values: (string | Buffer | null)[]
    try {
      values = this.#values.map(toParameter)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
    this.#connection = connection
    connection.stream.on('data', this.#count)
    connection.stream.cork()
    try {
      connection.parse({ text: this.#text, name: '', types: [] }, true)
      connection.bind({ values }, true)
      connection.describe({ type: 'P', name: '' }, true)
      connection.execute({}, true)
      connection.sync()
    } finally {
      connection.stream.uncork()
    }
    return null
  }

  handleRowDescription({ fields }: { fields: readonly FieldDescription[] }): void {
    this.#fields = fields
    this.#parsers = fields.map(({ dataTypeID }) => this.#parserOf(dataTypeID))
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    if (this.#error !== undefined) return
    if (this.#rows.length >= this.#limits.maxRows) {
      this.#cut(`more than ${this.#limits.maxRows} rows`)
      return
    }
    try {
      this.#rows.push(fields.map((cell, index) => (cell === null ? null : (this.#parsers[index]?.(cell) ?? null))))
    } catch (error) {
      this.#error = error
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    // "INSERT 0 3", "SELECT 2", "CREATE TABLE"
    this.command = text.split(' ')[0] ?? ''
    this.#rowCount = Number(/\d+$/.exec(text)?.[0] ?? 0)
  }

  handleEmptyQuery(): void {
    // Nothing but a comment: no rows.
  }

  handlePortalSuspended(): void {
    // Only with a row limit in `execute`, which is never set.
  }

  handleCopyInResponse(connection: Connection & { sendCopyFail?: (message: string) => void }): void {
    connection.sendCopyFail?.('COPY FROM STDIN is not available')
    // The server has thrown the first Sync away: in COPY mode it reads data only.
    connection.sync()
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
    if (this.#error !== undefined) this.#settle.reject(this.#error)
    else {
      const fields = this.#fields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID }))
      this.#settle.resolve({ fields, rows: this.#rows, rowCount: this.#rowCount })
    }
  }

  #cut(reason: string): void {
    if (this.#error !== undefined) return
    this.#error = new ResultTooLarge(reason)
    this.#rows.length = 0
    this.#connection?.stream.pause()
    this.#giveUp()
  }

  #finish(): void {
    this.#connection?.stream.off('data', this.#count)
  }
}
