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
  const written = new RowChecksum()
  for await (const chunk of client.read(target)) written.add(chunk)
  const found = written.result()
  if (expected === undefined || found.rows !== expected.rows || found.checksum !== expected.checksum) {
    throw new PlatformError(
      'STORE_UNAVAILABLE',
      `Cannot copy table "${table.schema}"."${table.name}": ${expected?.rows ?? 'no'} rows with checksum ${expected?.checksum} were sent, ${found.rows} with ${found.checksum} are there`,
    )
  }
  return found
}
