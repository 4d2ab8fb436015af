import type { RawQueryResult } from '@cordon/contracts'
import type { PoolClient } from 'pg'
import { climb, processIdOf, type Stopper } from '../sql/ladder.ts'
import { invocationOver, queryError, queryTimeout } from './query-error.ts'
import { ResultTooLarge, Statement, type ResultLimits, type TypeParserOf } from './statement.ts'

/** Counters of a function database. */
export interface QueryCounters {
  queries: number
  cancelled: number
  terminated: number
}

/** What every lease needs. */
export interface LeaseSurroundings {
  readonly stopper: Stopper
  readonly limits: ResultLimits
  readonly parserOf: TypeParserOf
  readonly counters: QueryCounters
}

/** Bind counts parameters in 16 bits (PostgreSQL manual, 55.7). */
const maxValues = 65_535
/** `DISCARD ALL` and `ROLLBACK` take a fraction of a millisecond; a connection that needs longer is not worth keeping. */
const cleanUpTimeoutMs = 1000

/** One connection while one invocation has it. */
export class Lease {
  readonly #client: PoolClient
  readonly #around: LeaseSurroundings
  #isKilled = false
  #lastCommand = ''

  constructor(client: PoolClient, around: LeaseSurroundings) {
    this.#client = client
    this.#around = around
  }

  /** `I` idle, `T` in a transaction, `E` in a failed one (the server's own word, sent after every statement). */
  get status(): 'I' | 'T' | 'E' | null {
    return this.#client.getTransactionStatus()
  }

  /** What the last statement was, by the server's word. */
  get lastCommand(): string {
    return this.#lastCommand
  }

  /** Runs one statement; when `signal` is aborted or the time is up, it is stopped on the server. */
  async run(text: string, values: readonly unknown[], { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Promise<RawQueryResult> {
    if (signal.aborted) throw invocationOver()
    if (timeoutMs <= 0) throw queryTimeout(0)
    refuseUnsendable(text, values)
    const { stopper, counters, limits, parserOf } = this.#around
    counters.queries++
    const statement = this.#client.query(new Statement(text, values, { limits, parserOf, giveUp: () => void this.#giveUp() }))
    const { result, stage } = await climb(this.#client, statement.result, { timeoutMs, signal, stopper })
    if (stage !== 'running') counters.cancelled++
    if (stage === 'terminated') {
      counters.terminated++
      this.#isKilled = true
    }
    this.#lastCommand = statement.command
    if (result.status === 'fulfilled') return result.value
    if (stage === 'running' || result.reason instanceof ResultTooLarge) throw queryError(result.reason)
    throw signal.aborted ? invocationOver() : queryTimeout(timeoutMs, result.reason)
  }

  /** Rolls an open transaction back and gives the connection to the pool, as new; a broken or stubborn one is closed. */
  async giveBack(): Promise<void> {
    const isOpen = this.status === 'T' || this.status === 'E'
    const isClean = !this.#isKilled && (!isOpen || (await this.#cleanUp('ROLLBACK'))) && this.status === 'I' && (await this.#cleanUp('DISCARD ALL'))
    this.#client.release(!isClean)
  }

  /** Ends the backend first and the socket then: a backend that only loses its socket runs on for a moment, with its locks. */
  async #giveUp(): Promise<void> {
    this.#isKilled = true
    await this.#around.stopper.terminate(processIdOf(this.#client)).catch(() => undefined)
    this.#client.connection.stream.destroy()
  }

  async #cleanUp(text: string): Promise<boolean> {
    const { result, stage } = await climb(this.#client, this.#client.query(text), { timeoutMs: cleanUpTimeoutMs, stopper: this.#around.stopper })
    return result.status === 'fulfilled' && stage === 'running'
  }
}

function refuseUnsendable(text: string, values: readonly unknown[]): void {
  // The protocol ends the text at the first NUL.
  if (text.includes('\0')) throw queryError(Object.assign(new Error('its text contains a NUL character'), { code: '22021' }))
  if (values.length > maxValues)
    throw queryError(Object.assign(new Error(`it has ${values.length} values, at most ${maxValues} are possible`), { code: '54023' }))
}
