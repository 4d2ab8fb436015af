import type { SqlPool } from '@cordon/pool'

/** How long an answer counts, in milliseconds. */
const freshMs = 1000
/** Longest wait for an answer, in milliseconds: those who ask whether a host is ready give it a second (the default of Kubernetes). */
export const probeTimeoutMs = 800

/** Whether the database answers: asked over a connection of its own, so that work on the others does not pass for an outage. */
export class DatabaseProbe {
  readonly #sql: SqlPool
  #isAnswering = false
  #lookedAt = -Infinity
  /** One look at a time, however many ask. */
  #looking: Promise<boolean> | undefined
  /** A question that the database has not answered yet. */
  #asked: Promise<boolean> | undefined

  constructor(sql: SqlPool) {
    this.#sql = sql
  }

  /** From memory when it was asked less than a second ago. Never rejects. */
  async isAnswering(): Promise<boolean> {
    if (performance.now() - this.#lookedAt < freshMs) return this.#isAnswering
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #look(): Promise<boolean> {
    this.#asked ??= this.#ask().finally(() => (this.#asked = undefined))
    let timer: NodeJS.Timeout | undefined
    const tooLate = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), probeTimeoutMs)
    })
    this.#isAnswering = await Promise.race([this.#asked, tooLate])
    clearTimeout(timer)
    this.#lookedAt = performance.now()
    return this.#isAnswering
  }

  async #ask(): Promise<boolean> {
    try {
      await this.#sql.query('select 1')
      return true
    } catch {
      return false
    }
  }
}
