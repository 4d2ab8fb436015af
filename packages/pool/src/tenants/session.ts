import type { DatabaseSession, RawCursorPage, RawQueryResult, RawStatement } from '@cordon/contracts'
import { End } from '../sql/end.ts'
import type { Lease, RunLimits } from './lease.ts'
import type { Step, StepResult } from './pipeline.ts'
import type { QueryBudget } from './query-budget.ts'
import { endedByHand, invocationOver, leftOpen, queryTimeout, rolledBack, unknownCursor, unknownTransaction } from './query-error.ts'

/** What a session needs of the function database. */
export interface SessionOptions {
  /** Milliseconds since 1970 at which the invocation is killed. */
  readonly deadline: number
  readonly acquireTimeoutMs: number
  readonly queryTimeoutMs: number
  readonly budget: QueryBudget
  readonly acquire: (timeoutMs: number, end: End) => Promise<Lease>
  /** Told about every run of statements. */
  readonly onRun: (text: string, run: Parameters<RunLimits['onDone']>[0]) => void
}

/** A query ends this long before its invocation does, so that the function sees QUERY_TIMEOUT and can answer. */
const reserveMs = 100
/** Commands that begin or end a transaction, as the server names them. */
const transactionCommands = new Set(['BEGIN', 'START', 'COMMIT', 'ROLLBACK', 'PREPARE'])

interface Transaction {
  readonly lease: Lease
  /** Statements of one transaction run one after the other. */
  last: Promise<unknown>
  isOver: boolean
}

interface Cursor {
  readonly transaction: number
  /** Whether the transaction is there for the cursor only. */
  readonly isAlone: boolean
  readonly portal: string
  readonly batchRows: number
}

/** Creates the session of one invocation. */
export function createSession(options: SessionOptions): DatabaseSession {
  return new Session(options)
}

class Session implements DatabaseSession {
  readonly #options: SessionOptions
  readonly #end = new End(invocationOver)
  /** Whatever has a connection, until the connection is back. */
  readonly #busy = new Set<Promise<unknown>>()
  readonly #transactions = new Map<number, Transaction>()
  readonly #cursors = new Map<number, Cursor>()
  #lastTransaction = 0
  #lastCursor = 0
  #ended: Promise<void> | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  async query(text: string, values: readonly unknown[], transaction?: number): Promise<RawQueryResult> {
    const [result] = await this.batch([{ text, values }], transaction)
    return result ?? { fields: [], rows: [], rowCount: 0 }
  }

  async batch(statements: readonly RawStatement[], transaction?: number): Promise<readonly RawQueryResult[]> {
    const steps = statements.map(({ text, values }): Step => ({ kind: 'run', text, values }))
    if (steps.length === 0) return []
    if (transaction !== undefined) {
      return this.#inTransaction(transaction, async (lease) => {
        const results = await this.#run(lease, steps)
        if (lease.status === 'I' || results.some(({ command }) => transactionCommands.has(command))) throw endedByHand()
        return results
      })
    }
    return this.#track(this.#outside(steps))
  }

  async #outside(steps: readonly Step[]): Promise<readonly RawQueryResult[]> {
    const lease = await this.#acquire()
    try {
      const results = await this.#run(lease, steps, { isLast: true })
      if (lease.status !== 'I') throw leftOpen()
      // A lone COMMIT is nothing but useless; among others it makes two transactions of one.
      if (steps.length > 1 && results.some(({ command }) => transactionCommands.has(command))) throw endedByHand()
      return results
    } finally {
      // The caller does not wait for the clean-up; `end` does.
      void this.#track(lease.giveBack())
    }
  }

  begin(): Promise<number> {
    return this.#track(this.#begin([{ kind: 'run', text: 'BEGIN', values: [] }]).then(({ number }) => number))
  }

  async #begin(steps: readonly Step[]): Promise<{ number: number; results: readonly StepResult[] }> {
    const lease = await this.#acquire()
    try {
      const results = await this.#run(lease, steps)
      if (this.#end.isReached) throw invocationOver()
      const number = ++this.#lastTransaction
      this.#transactions.set(number, { lease, last: Promise.resolve(), isOver: false })
      return { number, results }
    } catch (error) {
      void this.#track(lease.giveBack())
      throw error
    }
  }

  openCursor(statement: RawStatement, batchRows: number, transaction?: number): Promise<RawCursorPage> {
    return this.#track(this.#openCursor(statement, batchRows, transaction))
  }

  async #openCursor({ text, values }: RawStatement, batchRows: number, given?: number): Promise<RawCursorPage> {
    const id = ++this.#lastCursor
    const step: Step = { kind: 'run', text, values, portal: `cordon_${id}`, maxRows: batchRows }
    const isAlone = given === undefined
    const { number, results } = isAlone
      ? await this.#begin([{ kind: 'run', text: 'BEGIN READ ONLY', values: [] }, step])
      : { number: given, results: await this.#inTransaction(given, (lease) => this.#run(lease, [step])) }
    this.#cursors.set(id, { transaction: number, isAlone, portal: step.portal ?? '', batchRows })
    const first = results.at(-1)
    if (first === undefined || transactionCommands.has(first.command)) {
      await this.closeCursor(id)
      throw endedByHand()
    }
    return this.#page(id, first)
  }

  async fetchCursor(id: number): Promise<RawCursorPage> {
    const cursor = this.#cursors.get(id)
    if (cursor === undefined) throw unknownCursor()
    const { transaction, portal, batchRows } = cursor
    try {
      const [page] = await this.#inTransaction(transaction, (lease) => this.#run(lease, [{ kind: 'fetch', portal, maxRows: batchRows }]))
      if (page === undefined) throw unknownCursor()
      return await this.#page(id, page)
    } catch (error) {
      await this.closeCursor(id)
      throw error
    }
  }

  async #page(cursor: number, { fields, rows, isSuspended }: StepResult): Promise<RawCursorPage> {
    if (!isSuspended) await this.closeCursor(cursor)
    return { cursor, fields, rows, isLast: !isSuspended }
  }

  async closeCursor(id: number): Promise<void> {
    const cursor = this.#cursors.get(id)
    if (cursor === undefined) return
    this.#cursors.delete(id)
    const { transaction, isAlone, portal } = cursor
    if (isAlone) return this.rollback(transaction)
    // Of a transaction that failed or is over, nothing is left to close.
    const close = this.#inTransaction(transaction, (lease) =>
      this.#run(lease, [{ kind: 'run', text: `CLOSE "${portal}"`, values: [] }], { count: 0 }),
    )
    await close.catch(() => undefined)
  }

  async commit(number: number): Promise<void> {
    await this.#inTransaction(number, async (lease, transaction) => {
      transaction.isOver = true
      try {
        const [result] = await this.#run(lease, [{ kind: 'run', text: 'COMMIT', values: [] }], { count: 0, isLast: true })
        // The server answers the COMMIT of a failed transaction with a rollback, and says so only there.
        if (result?.command !== 'COMMIT') throw rolledBack()
      } finally {
        this.#transactions.delete(number)
        void this.#track(lease.giveBack())
      }
    })
  }

  async rollback(number: number): Promise<void> {
    // Rolling back what is over (a failed commit, say) is what the caller wants already.
    if (number >= 1 && number <= this.#lastTransaction && this.#transactions.get(number)?.isOver !== false) return
    await this.#inTransaction(number, async (lease, transaction) => {
      transaction.isOver = true
      this.#transactions.delete(number)
      await this.#track(lease.giveBack())
    })
  }

  end(): Promise<void> {
    this.#ended ??= this.#endNow()
    return this.#ended
  }

  async #endNow(): Promise<void> {
    this.#end.reach()
    const open = [...this.#transactions].map(async ([number, transaction]) => {
      await transaction.last.catch(() => undefined)
      if (this.#transactions.delete(number)) await transaction.lease.giveBack()
    })
    // Something that was waiting for a connection may get one and give it back in the meantime.
    while (this.#busy.size > 0) await Promise.allSettled(this.#busy)
    await Promise.all(open)
  }

  /** Runs `work` when the statements before it are done. */
  #inTransaction<T>(number: number, work: (lease: Lease, transaction: Transaction) => Promise<T>): Promise<T> {
    const transaction = this.#transactions.get(number)
    if (this.#end.isReached) return Promise.reject(invocationOver())
    if (transaction === undefined) return Promise.reject(unknownTransaction())
    const turn = transaction.last
      .catch(() => undefined)
      .then(() => {
        if (transaction.isOver) throw unknownTransaction()
        if (transaction.lease.status === 'I') throw endedByHand()
        return work(transaction.lease, transaction)
      })
    transaction.last = turn
    return this.#track(turn)
  }

  async #acquire(): Promise<Lease> {
    const { acquire, acquireTimeoutMs } = this.#options
    const remainingMs = this.#remainingMs()
    if (this.#end.isReached) throw invocationOver()
    if (remainingMs <= 0) throw queryTimeout(0)
    const lease = await acquire(Math.min(acquireTimeoutMs, remainingMs), this.#end)
    if (!this.#end.isReached) return lease
    await lease.giveBack()
    throw invocationOver()
  }

  /** `count`: how many statements of the budget it takes; `isLast`: the lease is given back afterwards. */
  #run(lease: Lease, steps: readonly Step[], { count = steps.length, isLast = false } = {}): Promise<readonly StepResult[]> {
    const { queryTimeoutMs, budget, onRun } = this.#options
    return lease.run(steps, {
      timeoutMs: Math.min(queryTimeoutMs, this.#remainingMs()),
      end: this.#end,
      limits: budget.begin(count),
      isLast,
      onDone(run) {
        budget.spend(run.rows, run.bytes)
        onRun(nameOf(steps), run)
      },
    })
  }

  #remainingMs(): number {
    return this.#options.deadline - Date.now() - reserveMs
  }

  /** Has `end` wait for `work`. */
  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.then(
      () => void this.#busy.delete(tracked),
      () => void this.#busy.delete(tracked),
    )
    this.#busy.add(tracked)
    return work
  }
}

/** What is said of steps in reports: the text of the first statement of the function. */
function nameOf(steps: readonly Step[]): string {
  const step = steps.at(steps.length === 2 && isBegin(steps[0]) ? 1 : 0)
  return step === undefined ? '' : step.kind === 'run' ? step.text : `FETCH ${step.maxRows} FROM ${step.portal}`
}

function isBegin(step: Step | undefined): boolean {
  return step?.kind === 'run' && step.text === 'BEGIN READ ONLY'
}
