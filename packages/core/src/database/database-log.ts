import { readFile } from 'node:fs/promises'
import { PlatformError } from '@cordon/contracts'
import { findDatabase, type DatabaseTarget } from './database-target.ts'
import { noDatabase } from './open-connection.ts'

/**
 * The last lines that the embedded server wrote to its log, older first; also when it is stopped.
 *
 * @throws PlatformError INVALID_OPTION for a server that is reached by a URL, STORE_UNAVAILABLE when there is no log
 */
export async function readDatabaseLog(target: DatabaseTarget, limit: number): Promise<readonly string[]> {
  const found = await findDatabase(target)
  if (found.kind === 'server') throw new PlatformError('INVALID_OPTION', `Cannot show the log of the server at ${found.where}: it is kept there`)
  const texts = await Promise.all(found.files.logFiles.map((file) => readFile(file, 'utf8').catch(() => undefined)))
  if (texts.every((text) => text === undefined) && found.files.major === undefined) throw noDatabase(found.dataDir)
  // Bounded by the server's supervisor to a few megabytes.
  const lines = texts.join('').split('\n')
  return lines.slice(0, -1).slice(-limit)
}
