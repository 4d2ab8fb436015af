import { PlatformError } from '@cordon/contracts'
import { copyTarget, type CopyClient } from './copy-client.ts'
import type { CopiedRows, CopiedTable } from './copy-item.ts'
import { RowChecksum } from './row-checksum.ts'

/** Reads a table: the item that names it, its rows, and their count and checksum. */
export async function* readTable(client: CopyClient, table: CopiedTable): AsyncGenerator<CopiedTable | CopiedRows | Uint8Array, void, undefined> {
  yield table
  const checksum = new RowChecksum()
  for await (const chunk of client.read(copyTarget(table))) {
    checksum.add(chunk)
    yield chunk
  }
  yield checksum.result()
}

/**
 * Writes the rows of a table that is empty, and reads them again: what was read at the source, what came and what is there now have to be the same.
 *
 * @throws PlatformError STORE_UNAVAILABLE
 */
export async function writeTable(
  client: CopyClient,
  table: Omit<CopiedTable, 'kind'>,
  rows: AsyncIterable<Uint8Array>,
  sent: () => Promise<CopiedRows | undefined>,
): Promise<CopiedRows> {
  const target = copyTarget(table)
  await client.write(target, rows)
  const expected = await sent()
  const found = await checksumOf(client, target)
  if (expected === undefined || found.rows !== expected.rows || found.checksum !== expected.checksum) {
    throw new PlatformError(
      'STORE_UNAVAILABLE',
      `Cannot copy table "${table.schema}"."${table.name}": ${expected?.rows ?? 'no'} rows with checksum ${expected?.checksum} were sent, ${found.rows} with ${found.checksum} are there`,
    )
  }
  return found
}

/** Reads as at the source, where no schema is searched: values that name something (`regclass` and the like) are written with its schema then. */
async function checksumOf(client: CopyClient, target: string): Promise<CopiedRows> {
  const [path] = await client.ask("SELECT pg_catalog.current_setting('search_path')")
  await client.ask("SET search_path = ''")
  const checksum = new RowChecksum()
  for await (const chunk of client.read(target)) checksum.add(chunk)
  await client.ask("SELECT pg_catalog.set_config('search_path', $1, false)", [path?.[0] ?? ''])
  return checksum.result()
}
