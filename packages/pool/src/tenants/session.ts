import { setMaxListeners } from 'node:events'
import { PlatformError, type DatabaseSession, type RawQueryResult } from '@cordon/contracts'
import type { Lease } from './lease.ts'
import { invocationOver, queryTimeout } from './query-error.ts'

/** What a session needs of the function database. */
export interface SessionOptions {
  /** Milliseconds since 1970 at which the invocation is killed. */
  readonly deadline: number
  readonly acquireTimeoutMs: number
  readonly queryTimeoutMs: number
  readonly acquire: (timeoutMs: number, signal: AbortSignal) => Promise<Lease>
}

/** A query ends this long before its invocation does, so that the function sees QUERY_TIMEOUT and can answer. */
const reserveMs = 100

interface Transaction {
  readonly lease: Lease
  /** Statements of one transaction run one after the other. */
  last: Promise<unknown>
  isOver: boolean
}

/** Creates the session of one invocation. */
export function createSession(options: SessionOptions): DatabaseSession {
  return new Session(options)
}

class Session implements DatabaseSession {
  readonly #options: SessionOptions
  readonly #end = createEnd()
  /** Whatever has a connection, until the connection is back. */
  readonly #busy = new Set<Promise<unknown>>()
  readonly #transactions = new Map<number, Transaction>()
  #lastTransaction = 0
  #ended: Promise<void> | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  query(text: string, values: readonly unknown[], transaction?: number): Promise<RawQueryResult> {
    if (transaction !== undefined) return this.#inTransaction(transaction, (lease) => this.#runInTransaction(lease, text, values))
    const result = this.#query(text, values)
    this.#track(result)
    return result
  }

  async #query(text: string, values: readonly unknown[]): Promise<RawQueryResult> {
    const lease = await this.#acquire()
    try {
      const result = await lease.run(text, values, this.#limits())
      if (lease.status !== 'I') throw leftOpen()
      return result
    } finally {
      // The caller does not wait for the clean-up; `end` does.
      this.#track(lease.giveBack())
    }
  }

  begin(): Promise<number> {
    const number = this.#begin()
    this.#track(number)
    return number
  }

  async #begin(): Promise<number> {
    const lease = await this.#acquire()
    try {
      await lease.run('BEGIN', [], this.#limits())
      if (this.#end.signal.aborted) throw invocationOver()
    } catch (error) {
      this.#track(lease.giveBack())
      throw error
    }
    const number = ++this.#lastTransaction
    this.#transactions.set(number, { lease, last: Promise.resolve(), isOver: false })
    return number
  }

  async commit(number: number): Promise<void> {
    await this.#inTransaction(number, async (lease, transaction) => {
      transaction.isOver = true
      try {
        await lease.run('COMMIT', [], this.#limits())
        // The server answers the COMMIT of a failed transaction with a rollback, and says so only there.
        if (lease.lastCommand !== 'COMMIT') throw rolledBack()
      } finally {
        this.#transactions.delete(number)
        this.#track(lease.giveBack())
      }
    })
  }

  async rollback(number: number): Promise<void> {
    // Rolling back what is over (a failed commit, say) is what the caller wants already.
    if (number >= 1 && number <= this.#lastTransaction && this.#transactions.get(number)?.isOver !== false) return
    await this.#inTransaction(number, async (lease, transaction) => {
      transaction.isOver = true
      const given = lease.giveBack()
      this.#transactions.delete(number)
      this.#track(given)
      await given
    })
  }

  end(): Promise<void> {
    this.#ended ??= this.#endNow()
    return this.#ended
  }

  async #endNow(): Promise<void> {
    this.#end.abort(invocationOver())
    const open = [...this.#transactions].map(async ([number, transaction]) => {
      await transaction.last.catch(() => undefined)
      if (this.#transactions.delete(number)) await transaction.lease.giveBack()
    })
    // Something that was waiting for a connection may get one and give it back in the meantime.
    while (this.#busy.size > 0) await Promise.allSettled(this.#busy)
    await Promise.all(open)
  }

  async #runInTransaction(lease: Lease, text: string, values: readonly unknown[]): Promise<RawQueryResult> {
    const result = await lease.run(text, values, this.#limits())
    if (lease.status === 'I') throw endedByHand()
    return result
  }

  /** Runs `work` when the statements before it are done. */
  #inTransaction<T>(number: number, work: (lease: Lease, transaction: Transaction) => Promise<T>): Promise<T> {
    const transaction = this.#transactions.get(number)
    if (this.#end.signal.aborted) return Promise.reject(invocationOver())
    if (transaction === undefined) return Promise.reject(unknownTransaction())
    const turn = transaction.last
      .catch(() => undefined)
      .then(() => {
        if (transaction.isOver) throw unknownTransaction()
        if (transaction.lease.status === 'I') throw endedByHand()
        return work(transaction.lease, transaction)
      })
    transaction.last = turn
    this.#track(turn)
    return turn
  }

  async #acquire(): Promise<Lease> {
    const { acquire, acquireTimeoutMs } = this.#options
    const remainingMs = this.#remainingMs()
    if (this.#end.signal.aborted) throw invocationOver()
    if (remainingMs <= 0) throw queryTimeout(0)
    const lease = await acquire(Math.min(acquireTimeoutMs, remainingMs), this.#end.signal)
    if (!this.#end.signal.aborted) return lease
    await lease.giveBack()
    throw invocationOver()
  }

  #limits(): { timeoutMs: number; signal: AbortSignal } {
    return { timeoutMs: Math.min(this.#options.queryTimeoutMs, this.#remainingMs()), signal: this.#end.signal }
  }

  #remainingMs(): number {
    return this.#options.deadline - Date.now() - reserveMs
  }

  /** Has `end` wait for `work`. */
  #track(work: Promise<unknown>): void {
    const tracked = work.catch(() => undefined).finally(() => this.#busy.delete(tracked))
    this.#busy.add(tracked)
  }
}

function leftOpen(): PlatformError {
  return new PlatformError('QUERY_FAILED', 'Cannot run the query: it left a transaction open, which was rolled back. Use ctx.db.transaction()', {
    details: { sqlState: '25000' },
  })
}

function rolledBack(): PlatformError {
  return new PlatformError('QUERY_FAILED', 'Cannot commit the transaction: one of its queries failed, so it was rolled back', {
    details: { sqlState: '25P02' },
  })
}

function endedByHand(): PlatformError {
  return new PlatformError(
    'QUERY_FAILED',
    'Cannot go on with the transaction: a query ended it. Return from ctx.db.transaction() to commit, throw to roll back',
    {
      details: { sqlState: '25P01' },
    },
  )
}

function unknownTransaction(): PlatformError {
  return new PlatformError('QUERY_FAILED', 'Cannot run the query: its transaction is over', { details: { sqlState: '25P01' } })
}

/** A function may have any number of queries under way, and each listens: Node would warn about more than ten. */
function createEnd(): AbortController {
  const end = new AbortController()
  setMaxListeners(0, end.signal)
  return end
}
