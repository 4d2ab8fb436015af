import { PlatformError } from '@cordon/contracts'
import { rowsFrom, writeTable, type CopyClient, type ItemReader, type SqlQueryable } from '@cordon/pool'
import { migrateTo } from '../store/migrate.ts'
import type { CopyTally, PlatformItem } from './platform-item.ts'
import { leftOut } from './store-dump.ts'

/**
 * Makes the store from the items that follow, in one transaction, which is committed when the last of them was read: before, and when anything
 * fails, there is none.
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_INPUT
 */
export async function loadStore(client: CopyClient, schema: number, reader: ItemReader<PlatformItem>, tally: CopyTally): Promise<void> {
  await client.ask('BEGIN')
  try {
    await client.ask('DROP SCHEMA cordon CASCADE')
    await migrateTo({ transaction: (run) => run(queryable(client)) }, schema)
    for (;;) {
      const item = await reader.next()
      if (item === undefined) throw new PlatformError('INVALID_INPUT', 'Cannot load the copy: it ends too early')
      tally.add(item)
      if (item.kind === 'end') break
      await loadItem(client, item, reader, tally)
    }
    await client.ask('COMMIT')
  } catch (error) {
    await client.ask('ROLLBACK').catch(() => undefined)
    throw error
  }
}

async function loadItem(client: CopyClient, item: PlatformItem, reader: ItemReader<PlatformItem>, tally: CopyTally): Promise<void> {
  switch (item.kind) {
    case 'partition':
      // Written by whoever made the copy: it is looked at before it becomes a part of a statement.
      if (!/^FOR VALUES FROM \('?-?\d+'?\) TO \('?-?\d+'?\)$/.test(item.bound)) throw unexpected(item.kind)
      await client.ask(`CREATE TABLE cordon.${nameOf(item.name)} PARTITION OF cordon.${nameOf(item.of)} ${item.bound}`)
      return
    case 'table':
      // The list of backups says which files the platform may remove.
      if (item.schema !== 'cordon' || leftOut.includes(item.name)) throw unexpected(item.kind)
      tally.add(await writeTable(client, item, reader.rows(), async () => rowsFrom(await reader.next())))
      return
    case 'sequence':
      await client.ask(`SELECT pg_catalog.setval($1::regclass, $2::bigint, $3::boolean)`, [
        `cordon.${nameOf(item.name)}`,
        item.value,
        String(item.isCalled),
      ])
      return
    default:
      throw unexpected(item.kind)
  }
}

function nameOf(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function unexpected(kind: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `Cannot load the copy: "${kind}" has no place in the store`)
}

/** Migrations as they run elsewhere, on the connection of the copy. */
function queryable(client: CopyClient): SqlQueryable {
  return { query: (text, values = []) => client.query(text, values.map(String)) }
}
