import { PlatformError } from '@cordon/contracts'
import type { ResultLimits } from './pipeline.ts'

/** What one statement, and what all statements of one invocation, may have. */
export interface BudgetLimits {
  /** Rows and bytes of one result, or of one page of a cursor. */
  readonly resultRows: number
  readonly resultBytes: number
  /** Statements, rows and bytes of one invocation. */
  readonly statements: number
  readonly rows: number
  readonly bytes: number
}

/** The budgets of one invocation. Statements that run at once each see what is left when they begin. */
export class QueryBudget {
  readonly #limits: BudgetLimits
  #statements = 0
  #rows = 0
  #bytes = 0

  constructor(limits: BudgetLimits) {
    this.#limits = limits
  }

  /**
   * Begins `count` statements; says how much they may give. None is for what a transaction needs to end, which is always possible.
   *
   * @throws PlatformError QUERY_FAILED with `details.limit`
   */
  begin(count: number): ResultLimits {
    const { statements, rows, bytes, resultRows, resultBytes } = this.#limits
    if (count === 0) return { maxRows: resultRows, maxBytes: resultBytes }
    this.#statements += count
    if (this.#statements > statements) throw usedUp('statements', statements)
    if (this.#rows >= rows) throw usedUp('rows', rows)
    if (this.#bytes >= bytes) throw usedUp('bytes', bytes)
    return { maxRows: Math.min(resultRows, rows - this.#rows), maxBytes: Math.min(resultBytes, bytes - this.#bytes) }
  }

  /** Counts what arrived. */
  spend(rows: number, bytes: number): void {
    this.#rows += rows
    this.#bytes += bytes
  }
}

function usedUp(limit: string, max: number): PlatformError {
  return new PlatformError('QUERY_FAILED', `Cannot run the query: the invocation has used up its ${max} ${limit}`, { details: { limit, max } })
}
