import { mkdir, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PlatformError } from '@cordon/contracts'

/** What stands in the way, by error code, and what to do about it. */
const remedies: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there. Change its owner or mode, or set dataDir to another directory',
  EPERM: 'this user may not write there. Change its owner or mode, or set dataDir to another directory',
  EROFS: 'the file system is read-only. Set dataDir to a directory on a writable one',
  ENOENT: 'nothing can be created there. Set dataDir to another directory',
  ENOTDIR: 'a part of the path is a file. Set dataDir to another directory',
  EEXIST: 'a part of the path is a file. Set dataDir to another directory',
  ENOSPC: 'the disk is full. Free some space, or set dataDir to a directory on another disk',
  ENAMETOOLONG: 'the path is too long. Set dataDir to a shorter one',
  ELOOP: 'the path goes round in circles. Set dataDir to another directory',
}

/**
 * Creates the data directory and returns its real path.
 *
 * @throws PlatformError INVALID_OPTION with what to do
 */
export async function prepareDataDir(dataDir: string): Promise<string> {
  try {
    // Others may pass through (the embedded database runs as another user when the host is root), not look.
    await makeFolder(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700)
    return await realpath(dataDir)
  } catch (error) {
    throw dataDirError(dataDir, error)
  }
}

/** Like `mkdir` with `recursive`, which never returns where a parent exists and nothing can be made in it (/proc). */
async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path), mode)
    await mkdir(path, { mode }).catch((again: unknown) => {
      if (!(again instanceof Error && 'code' in again && again.code === 'EEXIST')) throw again
    })
  }
}

/** One sentence for what the operating system refused in the data directory. */
export function dataDirError(dataDir: string, error: unknown): PlatformError {
  if (error instanceof PlatformError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  const why = remedies[code] ?? `${error instanceof Error ? error.message : String(error)}. Set dataDir to another directory`
  return new PlatformError('INVALID_OPTION', `Cannot use the data directory "${dataDir}": ${why}`, {
    details: { option: 'dataDir', reason: code },
    cause: error,
  })
}
