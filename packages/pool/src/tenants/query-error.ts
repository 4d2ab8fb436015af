import { PlatformError } from '@cordon/contracts'
import { codeOf } from '../embedded/file-error.ts'
import { sqlStateOf } from '../sql/sql-state.ts'
import { ResultTooLarge } from './pipeline.ts'

/** What a `DatabaseError` of `pg` tells that may be passed on. `detail` is left out: it holds values of rows. */
const passedOn = ['constraint', 'table', 'column'] as const

/** SQLSTATEs of a connection that ended: class 08, shutdowns and crashes (PostgreSQL manual, appendix A), and a full disk. */
const unavailable = /^(08...|57P0[1-5]|53100|58030)$/

/** An error of a statement that nobody stopped, in the words of the product. */
export function queryError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error
  if (error instanceof ResultTooLarge) return resultTooLarge(error)
  const sqlState = sqlStateOf(error)
  const message = error instanceof Error ? error.message : String(error)
  if (sqlState === '57014') return new PlatformError('QUERY_TIMEOUT', `Cannot finish the query: ${message}`, { cause: error, details: { sqlState } })
  if (sqlState === undefined || unavailable.test(sqlState)) {
    const code = codeOf(error)
    return new PlatformError('STORE_UNAVAILABLE', `Cannot finish the query: ${message}`, {
      cause: error,
      details: code === undefined ? {} : { code },
    })
  }
  return new PlatformError('QUERY_FAILED', `Cannot run the query: ${message}`, { cause: error, details: { sqlState, ...detailsOf(error) } })
}

function detailsOf(error: unknown): Record<string, unknown> {
  const details: Record<string, unknown> = {}
  if (typeof error !== 'object' || error === null) return details
  for (const name of passedOn) {
    const value: unknown = Reflect.get(error, name)
    if (typeof value === 'string') details[name] = value
  }
  const position = Number(Reflect.get(error, 'position'))
  if (Number.isInteger(position) && position > 0) details['position'] = position
  return details
}

function resultTooLarge(error: ResultTooLarge): PlatformError {
  return new PlatformError(
    'QUERY_FAILED',
    `Cannot run the query: its result has ${error.message}. Select fewer rows or columns, or page with LIMIT`,
    { cause: error },
  )
}

/** The query was stopped at its deadline. */
export function queryTimeout(timeoutMs: number, cause?: unknown): PlatformError {
  const rounded = Math.max(0, Math.round(timeoutMs))
  return new PlatformError('QUERY_TIMEOUT', `Cannot finish the query: it took longer than ${rounded} ms and was stopped`, {
    cause,
    details: { timeoutMs: rounded },
  })
}

/** The invocation ended while the query ran, or before. */
export function invocationOver(): PlatformError {
  return new PlatformError('CANCELLED', 'Cannot run the query: the invocation is over')
}

/** A statement outside of a transaction began one. */
export function leftOpen(): PlatformError {
  return wrongTransaction('Cannot run the query: it left a transaction open, which was rolled back. Use ctx.db.transaction()', '25000')
}

/** The server rolled back instead of committing. */
export function rolledBack(): PlatformError {
  return wrongTransaction('Cannot commit the transaction: one of its queries failed, so it was rolled back', '25P02')
}

/** A statement inside of a transaction or batch ended it. */
export function endedByHand(): PlatformError {
  return wrongTransaction(
    'Cannot go on with the transaction: a query ended it. Return from ctx.db.transaction() to commit, throw to roll back',
    '25P01',
  )
}

/** The number names no transaction that is open. */
export function unknownTransaction(): PlatformError {
  return wrongTransaction('Cannot run the query: its transaction is over', '25P01')
}

/** The number names no cursor that is open. */
export function unknownCursor(): PlatformError {
  return wrongTransaction('Cannot read on: the cursor is closed', '34000')
}

function wrongTransaction(message: string, sqlState: string): PlatformError {
  return new PlatformError('QUERY_FAILED', message, { details: { sqlState } })
}
