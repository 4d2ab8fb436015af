import { PlatformError } from '@cordon/contracts'
import { createTenantLoader, ItemReader, openCopyClient, type CopyClient, type SqlConnection, type TenantLoader } from '@cordon/pool'
import { incompleteTable } from '../store/incomplete.ts'
import { schemaLock } from '../store/locks.ts'
import { newestSchema } from '../store/migrate.ts'
import { refuseLiveHosts } from './live-hosts.ts'
import { CopyTally, type CopyHead, type CopyProgress, type CopyTotals, type PlatformItem } from './platform-item.ts'
import { loadStore } from './store-load.ts'

/** What is loaded, and who is told how far it is. */
export interface LoadRequest {
  readonly head: CopyHead
  readonly items: AsyncIterable<PlatformItem | Uint8Array>
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
  readonly onNote?: ((note: string) => void) | undefined
}

/**
 * Makes a platform from a copy, in a database that has none. Every table is read again after it was written and compared with what was sent. A load
 * that fails leaves nothing; one that is killed leaves what no host starts on, and what the next load removes.
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_OPTION when there is a platform already, INVALID_INPUT when the copy cannot be read
 */
export async function loadPlatform(connection: SqlConnection, { head, items, onProgress, onNote }: LoadRequest): Promise<CopyTotals> {
  if (head.schema > newestSchema) {
    throw new PlatformError(
      'INVALID_INPUT',
      `Cannot load the copy: it was made by a newer version of Cordon (its store is at migration ${head.schema}, this version knows ${newestSchema}). Use that version`,
    )
  }
  const client = await openCopyClient(connection)
  const loader = createTenantLoader({ admin: connection, onNote })
  try {
    await begin(client, loader)
    const tally = new CopyTally(onProgress)
    const reader = new ItemReader<PlatformItem>(items)
    try {
      await run({ client, loader, reader, tally })
    } catch (error) {
      await undo(client, loader).catch(() => undefined)
      throw error
    } finally {
      await reader.close()
    }
    return tally.totals
  } finally {
    await loader.close()
    await client.close()
  }
}

interface LoadParts {
  readonly client: CopyClient
  readonly loader: TenantLoader
  readonly reader: ItemReader<PlatformItem>
  readonly tally: CopyTally
}

async function run({ client, loader, reader, tally }: LoadParts): Promise<void> {
  for (let item = await reader.next(); item !== undefined; item = await reader.next()) {
    tally.add(item)
    switch (item.kind) {
      case 'store':
        return loadStore(client, item.schema, reader, tally)
      case 'partition':
      case 'sequence':
      case 'end':
        throw new PlatformError('INVALID_INPUT', `Cannot load the copy: "${item.kind}" comes before the store`)
      default: {
        const rows = await loader.load(item, reader)
        if (rows !== undefined) tally.add(rows)
      }
    }
  }
  throw new PlatformError('INVALID_INPUT', 'Cannot load the copy: it ends before the store')
}

/** Keeps hosts from starting, makes sure that nothing is lost, and marks the place as incomplete. */
async function begin(client: CopyClient, loader: TenantLoader): Promise<void> {
  const [lock] = await client.ask('SELECT pg_try_advisory_lock($1)', [schemaLock])
  if (lock?.[0] !== 't') throw new PlatformError('STORE_UNAVAILABLE', 'Cannot load the copy: a host starts there, or another copy is being loaded')
  await refuseLiveHosts(client, 'load the copy')
  const [row] = await client.ask(`SELECT to_regclass('cordon.${incompleteTable}')`)
  if (row?.[0]) await loader.clean()
  else {
    if (!(await isStoreEmpty(client)) || !(await loader.isEmpty())) {
      throw new PlatformError(
        'INVALID_OPTION',
        'Cannot load the copy: there is a platform already, with tenants or records. Name an empty database or data directory',
      )
    }
    await client.ask('CREATE SCHEMA IF NOT EXISTS cordon')
    await client.ask(`CREATE TABLE cordon.${incompleteTable} (since timestamptz NOT NULL DEFAULT now())`)
  }
}

/** A platform that was started and never used counts as none. */
async function isStoreEmpty(client: CopyClient): Promise<boolean> {
  const tables = await client.ask(
    `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'cordon' AND c.relkind = 'r' AND c.relname NOT IN ('migrations', 'backups')`,
  )
  for (const [name] of tables) if ((await client.ask(`SELECT 1 FROM ${name} LIMIT 1`)).length > 0) return false
  return true
}

async function undo(client: CopyClient, loader: TenantLoader): Promise<void> {
  await loader.clean()
  // What is left is an empty store, or none.
  await client.ask(`DROP TABLE cordon.${incompleteTable}`)
}
