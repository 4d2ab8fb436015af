import { reasonOf } from '@cordon/contracts'
import type { SqlListener, SqlPool } from '@cordon/pool'
import { changesAfter, forgetChanges, keptHours, newestPlace, readNotice, type Change, type ChangeCursor } from '../store/change-log.ts'

/** What following needs. */
export interface ChangeFollowerParts {
  readonly sql: SqlPool
  /** Id of this host: what it did itself it knows. */
  readonly host: string
  /** Where the log was read before everything else was; see `newestPlace`. */
  readonly start: ChangeCursor
  /** Begins to listen for notices. */
  readonly listen: (onNotice: (payload: string) => void, onListening: () => void) => SqlListener
  /** Brings what changed into memory. May be called more often than something changed. */
  readonly apply: (change: Change) => Promise<void>
  /** Brings everything into memory: this host was away for longer than the log goes back. */
  readonly applyAll: () => Promise<void>
  readonly onWarning: (message: string) => void
}

/** Time between two looks into the log, in milliseconds: what a notice that got lost costs at most. */
const pollMs = 2000
/** Looks between two deletions of old changes: about an hour. */
const looksPerForgetting = 1800

/**
 * Hears what other hosts on the same database change. A notice is applied at once; the log of changes is looked through every two seconds,
 * whether or not anything was heard. While the database is away the host goes on with what it has.
 */
export class ChangeFollower {
  readonly #parts: ChangeFollowerParts
  readonly #listener: SqlListener
  /** Of changes after the cursor, those that were applied: what a long transaction holds up is not applied at every look. */
  readonly #applied = new Set<number>()
  #cursor: ChangeCursor
  #lastLook = Date.now()
  #looks = 0
  #looking: Promise<void> | undefined
  #isLookWanted = false
  #timer: NodeJS.Timeout | undefined
  #isAway = false
  #isClosed = false

  constructor(parts: ChangeFollowerParts) {
    this.#parts = parts
    this.#cursor = parts.start
    this.#listener = parts.listen(
      (payload) => this.#hear(payload),
      () => this.#look(),
    )
    this.#wait()
  }

  /** Resolves when nothing is being applied any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#listener.close()
    await this.#looking
  }

  #hear(payload: string): void {
    const notice = readNotice(payload)
    if (this.#isClosed || notice === undefined || notice.host === this.#parts.host) return
    // A failure is healed by the next look.
    this.#parts.apply(notice).catch(ignore)
  }

  #wait(): void {
    clearTimeout(this.#timer)
    if (this.#isClosed) return
    this.#timer = setTimeout(() => this.#look(), pollMs)
    this.#timer.unref()
  }

  #look(): void {
    if (this.#isClosed) return
    this.#isLookWanted = true
    this.#looking ??= this.#lookThrough().finally(() => {
      this.#looking = undefined
      this.#wait()
    })
  }

  async #lookThrough(): Promise<void> {
    while (this.#isLookWanted && !this.#isClosed) {
      this.#isLookWanted = false
      try {
        if (Date.now() - this.#lastLook > (keptHours - 1) * 3_600_000) await this.#startAnew()
        await this.#readLog()
        this.#lastLook = Date.now()
        this.#looks += 1
        if (this.#looks % looksPerForgetting === 1) await forgetChanges(this.#parts.sql)
        this.#isAway = false
      } catch (error) {
        if (this.#isClosed) return
        if (!this.#isAway) this.#parts.onWarning(`Cannot see what other hosts change: ${reasonOf(error)}. This host goes on with what it has`)
        this.#isAway = true
      }
    }
  }

  async #readLog(): Promise<void> {
    const { sql, host, apply } = this.#parts
    for (;;) {
      const changes = await changesAfter(sql, this.#cursor)
      const names = new Map<string, Change>()
      const fresh = changes.filter((one) => one.host !== host && !this.#applied.has(one.seq))
      for (const { tenant, function: name } of fresh) names.set(`${tenant} ${name ?? ''}`, { tenant, function: name })
      for (const change of names.values()) await apply(change)
      for (const { seq } of fresh) this.#applied.add(seq)
      const settled = changes.filter(({ isSettled }) => isSettled)
      for (const { seq } of settled) this.#applied.delete(seq)
      const last = settled.at(-1)
      if (last === undefined) return
      this.#cursor = { xid: last.xid, seq: last.seq }
    }
  }

  async #startAnew(): Promise<void> {
    const start = await newestPlace(this.#parts.sql)
    await this.#parts.applyAll()
    this.#cursor = start
    this.#applied.clear()
  }
}

function ignore(): void {}
