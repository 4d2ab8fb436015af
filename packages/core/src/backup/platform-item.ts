import type { CopyItem } from '@cordon/pool'

/**
 * What a copy of a platform consists of, in this order: what tenants have in the function database, then the platform's own store. Whoever loads it
 * makes the store last, in one transaction: until then there is no platform that could be started.
 */
export type PlatformItem = CopyItem | StoreItem

/** Items of the store. Tables after `store` are its own. */
export type StoreItem =
  /** Number of the migration that its schema is at. */
  | { readonly kind: 'store'; readonly schema: number }
  /** A partition, to be created before its rows. */
  | { readonly kind: 'partition'; readonly of: string; readonly name: string; readonly bound: string }
  | { readonly kind: 'sequence'; readonly name: string; readonly value: string; readonly isCalled: boolean }
  | { readonly kind: 'end' }

/** What is known of a copy before it is read. */
export interface CopyHead {
  /** Number of the migration that the store's schema is at. */
  readonly schema: number
  /** Version of PostgreSQL that it was read from. */
  readonly server: string
  /** When it was begun, ISO 8601. */
  readonly createdAt: string
}

/** How far a copy is. */
export interface CopyProgress {
  /** The table that was finished last, with its schema. */
  readonly table: string
  readonly tables: number
  readonly rows: number
}

/** What was copied. */
export interface CopyTotals {
  readonly tenants: number
  readonly tables: number
  readonly rows: number
}

/** Counts what goes by. */
export class CopyTally {
  readonly #onProgress: ((progress: CopyProgress) => void) | undefined
  #table = ''
  #tenants = 0
  #tables = 0
  #rows = 0

  constructor(onProgress?: (progress: CopyProgress) => void) {
    this.#onProgress = onProgress
  }

  add(item: PlatformItem): void {
    if (item.kind === 'tenant') this.#tenants++
    if (item.kind === 'table') this.#table = `${item.schema}.${item.name}`
    if (item.kind !== 'rows') return
    this.#tables++
    this.#rows += item.rows
    this.#onProgress?.({ table: this.#table, tables: this.#tables, rows: this.#rows })
  }

  get totals(): CopyTotals {
    return { tenants: this.#tenants, tables: this.#tables, rows: this.#rows }
  }
}
