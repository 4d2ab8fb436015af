import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError, type Migration } from '@cordon/contracts'
import type { SqlPool } from '../sql/sql-pool.ts'

/** Whose migrations. */
export interface LedgerKey {
  readonly tenant: string
  readonly function: string
}

/** Pause between two looks at a transaction of another host that is about to end, in milliseconds. */
const lookMs = 50

/**
 * Which migrations were applied. The rows are the platform's and the changes the tenant's, so no transaction holds both: before the commit of
 * the changes a row says which transaction will have made them, and the server knows for ever after whether that one was committed.
 */
export class MigrationLedger {
  readonly #store: SqlPool
  readonly #key: LedgerKey
  readonly #timeoutMs: number

  constructor(store: SqlPool, key: LedgerKey, timeoutMs: number) {
    this.#store = store
    this.#key = key
    this.#timeoutMs = timeoutMs
  }

  /** Notes what the transaction `xid` does, before it is committed. */
  async expect(migrations: readonly Migration[], xid: string): Promise<void> {
    await this.#store.query(
      `INSERT INTO cordon.cordon_migrations (tenant, function, name, sha256, xid)
        SELECT $1, $2, name, sha256, $5::xid8 FROM unnest($3::text[], $4::text[]) AS given (name, sha256)`,
      [this.#key.tenant, this.#key.function, migrations.map(({ name }) => name), migrations.map(({ sha256 }) => sha256), xid],
    )
  }

  /** SHA-256 by name of what was applied; what was not known yet is settled. */
  async read(): Promise<ReadonlyMap<string, string>> {
    const { tenant, function: name } = this.#key
    const latest = performance.now() + this.#timeoutMs
    for (;;) {
      await this.#store.query(
        `WITH open AS (SELECT m.name, pg_catalog.pg_xact_status(m.xid) AS status FROM cordon.cordon_migrations m
            WHERE tenant = $1 AND function = $2 AND xid IS NOT NULL),
          done AS (UPDATE cordon.cordon_migrations m SET xid = NULL FROM open
            WHERE m.tenant = $1 AND m.function = $2 AND m.name = open.name AND open.status = 'committed')
        DELETE FROM cordon.cordon_migrations m USING open WHERE m.tenant = $1 AND m.function = $2 AND m.name = open.name AND open.status = 'aborted'`,
        [tenant, name],
      )
      const { rows } = await this.#store.query<{ name: string; sha256: string; isOpen: boolean }>(
        'SELECT name, sha256, xid IS NOT NULL AS "isOpen" FROM cordon.cordon_migrations WHERE tenant = $1 AND function = $2 ORDER BY name',
        [tenant, name],
      )
      const open = rows.find(({ isOpen }) => isOpen)
      if (open === undefined) return new Map(rows.map((row) => [row.name, row.sha256]))
      if (performance.now() > latest) {
        throw new PlatformError('STORE_UNAVAILABLE', `Cannot apply the migrations: it is not known whether "${open.name}" was applied`)
      }
      await delay(lookMs)
    }
  }
}
