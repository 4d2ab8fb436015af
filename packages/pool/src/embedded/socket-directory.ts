import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { PlatformError } from '@cordon/contracts'
import { fileError } from './file-error.ts'
import { canEnter, type ServerIdentity } from './identity.ts'

/** How the name of every socket directory begins. */
const socketPrefix = 'cordon-'
/** The longest path of a socket is 107 bytes on Linux and 103 on macOS; `/.s.PGSQL.5432` takes 14 of them. */
const maxSocketDirectory = 103 - 14

/**
 * Creates the private directory of the server's socket, in `parentDirectory` or where temporary files lie, and writes its path to the file `note`.
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_OPTION
 */
export async function createSocketDirectory(identity: ServerIdentity, note: string, parentDirectory?: string): Promise<string> {
  // The last host was killed: its directory is still there. One that belongs to another user stays.
  const last = await readFile(note, 'utf8').catch(() => '')
  if (basename(last).startsWith(socketPrefix)) await rm(last, { recursive: true, force: true }).catch(() => undefined)
  const candidates = parentDirectory === undefined ? [tmpdir(), '/tmp'] : [parentDirectory]
  for (const parent of candidates) {
    const isLast = parent === candidates.at(-1)
    if (Buffer.byteLength(parent) + 1 + socketPrefix.length + 6 > maxSocketDirectory && !isLast) continue
    try {
      if (!isLast && !(await canEnter(parent, identity))) continue
      const directory = await mkdtemp(join(parent, socketPrefix))
      await writeFile(note, directory)
      if (identity.switchTo !== undefined) await chown(directory, identity.switchTo.uid, identity.switchTo.gid)
      return directory
    } catch (error) {
      if (isLast) throw fileError(error, 'create the socket of the embedded database', parent)
    }
  }
  throw new PlatformError('STORE_UNAVAILABLE', 'Cannot create the socket of the embedded database: no temporary directory can be used')
}
