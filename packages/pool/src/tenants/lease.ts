import type { PoolClient } from 'pg'
import type { End } from '../sql/end.ts'
import { climb, processIdOf, type Stopper } from '../sql/ladder.ts'
import { Pipeline, ResultTooLarge, type ResultLimits, type Step, type StepResult } from './pipeline.ts'
import { queryError, queryTimeout } from './query-error.ts'
import type { QueryTally } from './query-tally.ts'
import { Reset, resetText } from './reset.ts'
import { sqlError } from '../sql/sql-state.ts'

/** What every lease of a tenant needs. */
export interface LeaseSurroundings {
  readonly stopper: Stopper
  readonly tally: QueryTally
}

/** Bounds of one run. */
export interface RunLimits {
  readonly timeoutMs: number
  /** When it is reached, or the time is up, the statement is stopped on the server. */
  readonly end: End
  readonly limits: ResultLimits
  /** Whether the connection is given back afterwards: it is made new behind the steps, in the same write. */
  readonly isLast: boolean
  /** Told how it went, in any case. */
  readonly onDone: (run: { readonly rows: number; readonly bytes: number; readonly durationMs: number; readonly isSuccess: boolean }) => void
}

/** Bind counts parameters in 16 bits (PostgreSQL manual, 55.7). */
const maxValues = 65_535
/** `DISCARD ALL` and `ROLLBACK` take a fraction of a millisecond; a connection that needs longer is not worth keeping. */
const cleanUpTimeoutMs = 1000

/** One connection while one invocation has it. */
export class Lease {
  readonly #client: PoolClient
  readonly #around: LeaseSurroundings
  #reset: Reset | undefined
  #isKilled = false
  #hasFailed = false

  constructor(client: PoolClient, around: LeaseSurroundings) {
    this.#client = client
    this.#around = around
  }

  /** `I` idle, `T` in a transaction, `E` in a failed one (the server's own word, sent after every run that did not fail). */
  get status(): 'I' | 'T' | 'E' | null {
    return this.#client.getTransactionStatus()
  }

  /** Runs steps in one round trip; outside of a transaction they are one. */
  async run(steps: readonly Step[], { timeoutMs, end, limits, isLast, onDone }: RunLimits): Promise<readonly StepResult[]> {
    if (end.isReached) throw end.error()
    if (timeoutMs <= 0) throw queryTimeout(0)
    for (const step of steps) if (step.kind === 'run') refuseUnsendable(step.text, step.values)
    const { stopper, tally } = this.#around
    const from = performance.now()
    const pipeline = this.#client.query(
      new Pipeline(steps, { limits, giveUp: () => void this.#giveUp(), onReset: isLast ? () => this.#expectReset() : undefined }),
    )
    const { result, stage } = await climb(this.#client, pipeline.result, { timeoutMs, end, stopper })
    const durationMs = performance.now() - from
    const isSuccess = result.status === 'fulfilled'
    tally.queried(durationMs)
    onDone({ rows: pipeline.rowCount, bytes: pipeline.byteCount, durationMs, isSuccess })
    if (stage !== 'running') tally.stopped(stage === 'terminated')
    if (stage === 'terminated') this.#isKilled = true
    if (isSuccess) return result.value
    this.#hasFailed = true
    if (stage === 'running' || result.reason instanceof ResultTooLarge) throw queryError(result.reason)
    throw end.isReached ? end.error() : queryTimeout(timeoutMs, result.reason)
  }

  /** Rolls an open transaction back and gives the connection to the pool, as new; a broken or stubborn one is closed. */
  async giveBack(): Promise<void> {
    const isClean = (await this.#isNew()) || (await this.#cleanUp())
    this.#client.release(!isClean || this.status !== 'I')
  }

  #expectReset(): void {
    this.#reset = this.#client.query(new Reset())
  }

  /** Whether what was written behind the last steps has made it new. */
  async #isNew(): Promise<boolean> {
    const reset = this.#reset
    return reset !== undefined && this.#isDone(() => reset.result)
  }

  async #cleanUp(): Promise<boolean> {
    // What a failure left behind is not known yet.
    const isOpen = this.#hasFailed || this.status !== 'I'
    return (!isOpen || (await this.#runOwn('ROLLBACK'))) && this.#runOwn(resetText)
  }

  /** Ends the backend first and the socket then: a backend that only loses its socket runs on for a moment, with its locks. */
  async #giveUp(): Promise<void> {
    this.#isKilled = true
    await this.#around.stopper.terminate(processIdOf(this.#client)).catch(() => undefined)
    this.#client.connection.stream.destroy()
  }

  #runOwn(text: string): Promise<boolean> {
    return this.#isDone(() => this.#client.query(text).then(() => true))
  }

  async #isDone(work: () => Promise<boolean>): Promise<boolean> {
    if (this.#isKilled) return false
    const { result, stage } = await climb(this.#client, work(), { timeoutMs: cleanUpTimeoutMs, stopper: this.#around.stopper })
    if (stage !== 'running') this.#isKilled = true
    return !this.#isKilled && result.status === 'fulfilled' && result.value
  }
}

function refuseUnsendable(text: string, values: readonly unknown[]): void {
  // The protocol ends the text at the first NUL.
  if (text.includes('\0')) throw queryError(sqlError('22021', 'its text contains a NUL character'))
  if (values.length > maxValues) throw queryError(sqlError('54023', `it has ${values.length} values, at most ${maxValues} are possible`))
}
