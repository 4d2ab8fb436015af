import { PlatformError } from '@cordon/contracts'
import type { DatabaseTarget } from '../database/database-target.ts'
import { openConnection } from '../database/open-connection.ts'
import { openBackup, writeBackup, type WrittenBackup } from './backup-file.ts'
import { openPlatformDump } from './dump-platform.ts'
import { refuseLiveHosts } from './live-hosts.ts'
import { CopyTally, type CopyHead, type CopyProgress, type CopyTotals, type PlatformItem } from './platform-item.ts'

/** Options of everything that copies a platform. */
export interface CopyOptions {
  /** Is told of each table that is done. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
  /** Is told, one sentence each, what of a restored or migrated platform is not quite as it was at the source. */
  readonly onNote?: ((note: string) => void) | undefined
}

/**
 * Writes everything that a platform has in its databases into one file, beside the platform if it runs. The keys of secrets are in no database, and not
 * in the file.
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_OPTION, DATA_DIR_IN_USE
 */
export async function createBackup(target: DatabaseTarget, file: string, { onProgress }: CopyOptions = {}): Promise<WrittenBackup> {
  const opened = await openConnection(target)
  try {
    await using dump = await openPlatformDump(opened.connection)
    return await writeBackup(file, dump.head, counted(dump.items(), onProgress))
  } finally {
    await opened.close()
  }
}

/** What is in a backup. */
export interface BackupInfo extends CopyTotals, CopyHead {
  readonly bytes: number
}

/**
 * Makes the platform of a backup anew, in a data directory or a server that has none.
 *
 * @throws PlatformError INVALID_INPUT, INVALID_OPTION, STORE_UNAVAILABLE, DATA_DIR_IN_USE
 */
export async function restoreBackup(target: DatabaseTarget, file: string, { onProgress, onNote }: CopyOptions = {}): Promise<BackupInfo> {
  const backup = await openBackup(file)
  const { loadPlatform } = await import('./load-platform.ts')
  const opened = await openConnection(target, { isAlone: true, isCreated: true })
  try {
    await checkTarget(target, opened.connection)
    const totals = await loadPlatform(opened.connection, { head: backup.head, items: backup.items(), onProgress, onNote })
    return { ...backup.head, ...totals, bytes: backup.bytes }
  } finally {
    await opened.close()
  }
}

/**
 * Copies a platform that nobody uses into another database that has none. The source is only read, and hosts that want to start on it wait.
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_OPTION, DATA_DIR_IN_USE
 */
export async function migratePlatform(
  from: DatabaseTarget,
  to: DatabaseTarget,
  { onProgress, onNote }: CopyOptions = {},
): Promise<CopyTotals & CopyHead> {
  const [{ loadPlatform }, { openCopyClient }] = await Promise.all([import('./load-platform.ts'), import('@cordon/pool')])
  const { schemaLock } = await import('../store/locks.ts')
  const source = await openConnection(from, { isAlone: true })
  try {
    await using alone = await openCopyClient(source.connection)
    const [lock] = await alone.ask('SELECT pg_try_advisory_lock($1)', [schemaLock])
    if (lock?.[0] !== 't') throw new PlatformError('STORE_UNAVAILABLE', 'Cannot copy the platform: a host starts on it. Stop it first')
    await refuseLiveHosts(alone, 'copy the platform')
    const target = await openConnection(to, { isAlone: true, isCreated: true })
    try {
      await checkTarget(to, target.connection)
      await using dump = await openPlatformDump(source.connection)
      return { ...dump.head, ...(await loadPlatform(target.connection, { head: dump.head, items: dump.items(), onProgress, onNote })) }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function checkTarget({ databaseUrl }: DatabaseTarget, connection: Parameters<typeof openPlatformDump>[0]): Promise<void> {
  if (databaseUrl === undefined) return
  const { checkServer } = await import('@cordon/pool')
  await checkServer(connection)
}

async function* counted(
  items: AsyncIterable<PlatformItem | Uint8Array>,
  onProgress: CopyOptions['onProgress'],
): AsyncGenerator<PlatformItem | Uint8Array, void, undefined> {
  const tally = new CopyTally(onProgress)
  for await (const item of items) {
    if (!(item instanceof Uint8Array)) tally.add(item)
    yield item
  }
}
