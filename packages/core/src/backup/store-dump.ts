import { PlatformError } from '@cordon/contracts'
import { openCopyClient, readTable, type CopyClient, type SqlConnection } from '@cordon/pool'
import { incompleteTable } from '../store/incomplete.ts'
import { backupLock } from '../store/locks.ts'
import type { CopyHead, PlatformItem } from './platform-item.ts'

/** The platform's store as it was at one moment. */
export interface StoreDump extends AsyncDisposable {
  readonly head: CopyHead
  items(): AsyncGenerator<PlatformItem | Uint8Array, void, undefined>
}

/**
 * Tables that a copy leaves out: its own schema is made anew by the migrations, and the log of changes speaks of transactions of the other server
 * (hosts that start read everything anyway), and the list of backups of files that are there.
 */
export const leftOut: readonly string[] = ['migrations', 'changes', 'backups', incompleteTable]

/** How often a list of tables is looked at again that changed while it was looked at. */
const attempts = 5

/**
 * Opens the store for reading, as it is now; at most one copy of a platform is made at a time.
 *
 * @throws PlatformError STORE_UNAVAILABLE when there is no platform, or another copy is being made
 */
export async function openStoreDump(connection: SqlConnection, signal?: AbortSignal): Promise<StoreDump> {
  const client = await openCopyClient(connection, { set: ["search_path = ''"], signal })
  try {
    await checkStore(client, connection.database)
    const [lock] = await client.ask('SELECT pg_try_advisory_lock($1)', [backupLock])
    if (lock?.[0] !== 't')
      throw new PlatformError('STORE_UNAVAILABLE', 'Cannot copy the platform: another copy of it is being made. Try again when that is done', {
        details: { isBusy: true },
      })
    const tables = await lockTables(client)
    const [row = []] = await client.ask(
      "SELECT coalesce(max(id), 0), current_setting('server_version'), to_json(now()) #>> '{}' FROM cordon.migrations",
    )
    const head = { schema: Number(row[0]), server: row[1] ?? '', createdAt: new Date(row[2] ?? 0).toISOString() }
    return { head, items: () => dumpStore(client, head.schema, tables), [Symbol.asyncDispose]: () => client.close() }
  } catch (error) {
    await client.close()
    throw error
  }
}

async function checkStore(client: CopyClient, database: string): Promise<void> {
  const [row] = await client.ask(`SELECT to_regclass('cordon.migrations'), to_regclass('cordon.${incompleteTable}')`)
  if (row?.[1]) throw new PlatformError('STORE_UNAVAILABLE', 'Cannot copy the platform: it is half of a copy itself, which was interrupted')
  if (!row?.[0]) throw new PlatformError('STORE_UNAVAILABLE', `Cannot copy the platform: there is none in database "${database}"`)
}

interface StoreTable {
  readonly name: string
  readonly parent: string | null
  readonly bound: string | null
}

/** Begins the transaction whose view of the rows is copied, with locks that keep old partitions from being dropped meanwhile. */
async function lockTables(client: CopyClient): Promise<readonly StoreTable[]> {
  for (let left = attempts; ; left--) {
    const before = await listTables(client)
    await client.ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    try {
      await client.ask(`LOCK TABLE ${before.map(({ name }) => `cordon."${name}"`).join(', ')} IN ACCESS SHARE MODE`)
      const now = await listTables(client)
      if (now.every(({ name }) => before.some((one) => one.name === name))) return now
    } catch (error) {
      if (left === 1) throw error
    }
    await client.ask('ROLLBACK')
    if (left === 1) throw new PlatformError('STORE_UNAVAILABLE', 'Cannot copy the platform: its tables change all the time')
  }
}

/** The tables that have rows; whatever a table refers to comes before it. */
async function listTables(client: CopyClient): Promise<readonly StoreTable[]> {
  const rows = await client.ask(
    `SELECT c.relname, p.relname, pg_get_expr(c.relpartbound, c.oid),
        (SELECT json_agg(DISTINCT r.relname) FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid WHERE k.conrelid = c.oid AND k.contype = 'f' AND NOT k.condeferrable)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
      WHERE n.nspname = 'cordon' AND c.relkind = 'r' AND c.relname NOT IN (${leftOut.map((name) => `'${name}'`).join(', ')}) ORDER BY c.relname`,
  )
  const left = rows.map(([name, parent, bound, needs]) => {
    const list: unknown = JSON.parse(needs ?? '[]')
    return { name: name ?? '', parent: parent ?? null, bound: bound ?? null, needs: Array.isArray(list) ? list.map(String) : [] }
  })
  const ordered: StoreTable[] = []
  while (left.length > 0) {
    const at = left.findIndex(({ name, needs }) => needs.every((need) => need === name || !left.some((other) => other.name === need)))
    ordered.push(...left.splice(Math.max(at, 0), 1))
  }
  return ordered
}

async function* dumpStore(
  client: CopyClient,
  schema: number,
  tables: readonly StoreTable[],
): AsyncGenerator<PlatformItem | Uint8Array, void, undefined> {
  yield { kind: 'store', schema }
  for (const { name, parent, bound } of tables) {
    if (parent !== null) yield { kind: 'partition', of: parent, name, bound: bound ?? '' }
    const columns = await client.ask(
      `SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
      [`cordon."${name}"`],
    )
    yield* readTable(client, { kind: 'table', schema: 'cordon', name, columns: columns.map(([column]) => column ?? '') })
  }
  const sequences = await client.ask(
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'cordon' AND c.relkind = 'S' ORDER BY 1",
  )
  for (const [name] of sequences) {
    const [row = []] = await client.ask(`SELECT last_value, is_called FROM cordon."${name}"`)
    yield { kind: 'sequence', name: name ?? '', value: row[0] ?? '1', isCalled: row[1] === 't' }
  }
  yield { kind: 'end' }
}
