import { randomBytes } from 'node:crypto'
import type { Migration, MigrationOutcome, MigrationRequest } from '@cordon/contracts'
import type { PoolClient } from 'pg'
import { ClientPool } from '../sql/client-pool.ts'
import type { ConnectionBudget } from '../sql/connection-budget.ts'
import { climb, type Stopper } from '../sql/ladder.ts'
import type { SqlConnection } from '../sql/sql-connection.ts'
import { createSqlPool, type SqlPool } from '../sql/sql-pool.ts'
import { MigrationLedger, type LedgerKey } from './migration-ledger.ts'
import { queryError } from './query-error.ts'

/** Something that `destroy` of the database has to end. */
export interface Stoppable {
  destroy(): Promise<void>
}

/** What applying migrations needs of the function database. */
export interface MigrationSurroundings {
  /** The database that knows all tenants, as the platform. */
  readonly store: SqlConnection
  /** The tenant's database, as the tenant. */
  readonly connection: SqlConnection
  readonly stopper: Stopper
  readonly budget: ConnectionBudget
  readonly acquireTimeoutMs: number
  /** For all of them together. */
  readonly timeoutMs: number
  readonly running: Set<Stoppable>
}

type Refused = Extract<MigrationOutcome, { kind: 'refused' }>

/** Time for the platform's own statements, in milliseconds, besides that of the migration it may have to wait for. */
const ownTimeoutMs = 30_000
/** Characters of what the server says: a file can raise errors of any length. */
const messageLength = 1000

/** Applies what is new of the migrations of one function, in one transaction. docs/decisions/0160 says how it is known what was applied. */
export async function applyMigrations(around: MigrationSurroundings, tenant: string, request: MigrationRequest): Promise<MigrationOutcome> {
  const { connection, budget, acquireTimeoutMs, timeoutMs, running } = around
  const pool = new ClientPool({ connection, max: 1, applicationName: 'cordon migration', act: 'apply the migrations', budget })
  const store = createSqlPool({
    connection: around.store,
    // One holds the lock, one keeps the ledger.
    max: 2,
    acquireTimeoutMs,
    queryTimeoutMs: timeoutMs + ownTimeoutMs,
    applicationName: 'cordon migrations',
  })
  const key: LedgerKey = { tenant, function: request.function }
  const both: Stoppable = { destroy: async () => void (await Promise.all([pool.destroy(), store.destroy()])) }
  running.add(both)
  try {
    return await alone(store, tenant, () => applyNew({ around, pool, ledger: new MigrationLedger(store, key, timeoutMs) }, request.migrations))
  } finally {
    running.delete(both)
    await Promise.all([pool.close(), store.close()])
  }
}

/** Runs `work` while no other host applies migrations of the tenant. */
function alone<T>(store: SqlPool, tenant: string, work: () => Promise<T>): Promise<T> {
  return store.transaction(async (tx) => {
    await tx.query('SET LOCAL idle_in_transaction_session_timeout = 0')
    await tx.query('SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))', [`cordon migrations of ${tenant}`])
    return work()
  })
}

interface Parts {
  readonly around: MigrationSurroundings
  readonly pool: ClientPool
  readonly ledger: MigrationLedger
}

async function applyNew({ around, pool, ledger }: Parts, migrations: readonly Migration[]): Promise<MigrationOutcome> {
  const known = await ledger.read()
  const refused = refusedBefore(known, migrations)
  if (refused !== undefined) return refused
  const names = new Set(migrations.map(({ name }) => name))
  const removed = [...known.keys()].filter((name) => !names.has(name))
  const pending = migrations.filter(({ name }) => !known.has(name))
  if (pending.length === 0) return { kind: 'applied', applied: [], removed }
  const client = await pool.acquire(around.acquireTimeoutMs)
  try {
    const failed = await runAll(new Transaction(client, around), ledger, pending)
    return failed ?? { kind: 'applied', applied: pending.map(({ name }) => name), removed }
  } finally {
    // Never used again: what a file set stays with its connection.
    client.release(true)
  }
}

/** What was applied cannot be changed, and nothing can be put before it. */
function refusedBefore(known: ReadonlyMap<string, string>, migrations: readonly Migration[]): Refused | undefined {
  const changed = migrations.find(({ name, sha256 }) => known.has(name) && known.get(name) !== sha256)
  if (changed !== undefined) {
    const message = 'it was applied already and has another content now. Put it back as it was, and write the change into a new file'
    return { kind: 'refused', name: changed.name, reason: 'changed', message, position: undefined }
  }
  const last = migrations.findLast(({ name }) => known.has(name))
  const early = migrations.slice(0, last === undefined ? 0 : migrations.indexOf(last)).find(({ name }) => !known.has(name))
  if (early === undefined) return undefined
  const message = `it comes before "${last?.name ?? ''}", which was applied already. Give it a higher number`
  return { kind: 'refused', name: early.name, reason: 'order', message, position: undefined }
}

async function runAll(transaction: Transaction, ledger: MigrationLedger, pending: readonly Migration[]): Promise<Refused | undefined> {
  const xid = await transaction.begin()
  for (const migration of pending) {
    const refused = await transaction.run(migration)
    if (refused !== undefined) return refused
  }
  const last = pending.at(-1)
  const refused = last === undefined ? undefined : await transaction.checkConstraints(last)
  if (refused !== undefined) return refused
  await ledger.expect(pending, xid)
  const failure = await transaction.commit()
  // Whatever the answer was, or if there was none: the server knows.
  const known = await ledger.read()
  if (pending.every(({ name }) => known.has(name))) return undefined
  throw queryError(failure ?? new Error('the server rolled the migrations back'))
}

/** The tenant's transaction, which only the host begins and ends. */
class Transaction {
  readonly #client: PoolClient
  readonly #stopper: Stopper
  readonly #timeoutMs: number
  readonly #end: number

  constructor(client: PoolClient, { stopper, timeoutMs }: MigrationSurroundings) {
    this.#client = client
    this.#stopper = stopper
    this.#timeoutMs = timeoutMs
    this.#end = performance.now() + timeoutMs
  }

  /** Gives the identity of the transaction. */
  async begin(): Promise<string> {
    await this.#own('BEGIN')
    const { rows } = await this.#own('SELECT pg_catalog.pg_current_xact_id()::text AS xid')
    return String(rows[0]?.xid)
  }

  async run(migration: Migration): Promise<Refused | undefined> {
    // A file does not see what the one before it set, and may wait and run for longer than a function.
    await this.#own(`RESET ALL; SET statement_timeout = ${this.#timeoutMs}; SET lock_timeout = ${this.#timeoutMs}`)
    return this.#refusable(migration, asBlock(migration.text))
  }

  checkConstraints(last: Migration): Promise<Refused | undefined> {
    return this.#refusable(last, 'SET CONSTRAINTS ALL IMMEDIATE')
  }

  /** Gives the error that the commit was answered with. */
  async commit(): Promise<unknown> {
    const { result } = await climb(this.#client, this.#client.query('COMMIT'), { timeoutMs: ownTimeoutMs, stopper: this.#stopper })
    return result.status === 'rejected' ? result.reason : undefined
  }

  async #own(text: string): Promise<{ readonly rows: readonly { readonly xid?: string }[] }> {
    const { result } = await climb(this.#client, this.#client.query<{ xid?: string }>(text), { timeoutMs: ownTimeoutMs, stopper: this.#stopper })
    if (result.status === 'rejected') throw queryError(result.reason)
    return result.value
  }

  async #refusable({ name, text: source }: Migration, text: string): Promise<Refused | undefined> {
    const timeoutMs = Math.max(0, this.#end - performance.now())
    const { result, stage } = await climb(this.#client, this.#client.query(text), { timeoutMs, stopper: this.#stopper })
    if (result.status === 'fulfilled' && stage === 'running') return undefined
    const error: unknown = result.status === 'rejected' ? result.reason : undefined
    if (stage === 'running') {
      const { code, details } = queryError(error)
      if (code === 'STORE_UNAVAILABLE') throw queryError(error)
      if (code !== 'QUERY_TIMEOUT') {
        return { kind: 'refused', name, reason: 'failed', message: messageOf(error, details['sqlState']), position: positionOf(error, source) }
      }
    }
    const message = `the migrations took longer than ${this.#timeoutMs} ms and were stopped. Do less in one deployment, or raise database.migrationTimeoutMs`
    return { kind: 'refused', name, reason: 'failed', message, position: undefined }
  }
}

/**
 * The file as one statement that is executed inside of a function: there the server itself refuses whatever begins or ends a transaction, in
 * any disguise, and gives no rows back. The marks around it cannot be guessed.
 */
function asBlock(text: string): string {
  const outer = `$o${randomBytes(16).toString('hex')}$`
  const inner = `$i${randomBytes(16).toString('hex')}$`
  return `DO LANGUAGE plpgsql ${outer}BEGIN EXECUTE ${inner}${text}${inner}; END${outer}`
}

function messageOf(error: unknown, sqlState: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  // 0A000: the words of PL/pgSQL, which the file never mentioned; 2D000: the same from a DO block or procedure.
  if (sqlState === '2D000' || (sqlState === '0A000' && message.startsWith('EXECUTE of transaction commands'))) {
    return 'it begins or ends a transaction. Take BEGIN, COMMIT, ROLLBACK and SAVEPOINT out: all migrations of a deployment are one transaction'
  }
  if (sqlState === '0A000' && message.startsWith('EXECUTE of SELECT ... INTO')) return 'it has SELECT ... INTO. Use CREATE TABLE ... AS'
  if (sqlState === '0A000' && message.startsWith('cannot COPY')) return 'it copies from or to a client, and there is none. Use INSERT'
  return message.slice(0, messageLength)
}

/** Places inside of what is executed are "internal" to the server; those in functions that the file calls are not places of the file. */
function positionOf(error: unknown, source: string): number | undefined {
  if (typeof error !== 'object' || error === null || Reflect.get(error, 'internalQuery') !== source) return undefined
  const position = Number(Reflect.get(error, 'internalPosition'))
  return Number.isInteger(position) && position > 0 ? position : undefined
}
