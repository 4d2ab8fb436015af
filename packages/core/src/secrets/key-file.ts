import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PlatformError } from '@cordon/contracts'
import { dataDirError, prepareDataDir } from '../data-dir/data-dir.ts'

/** Name of the file in the data directory: keys as base64, one a line, the current one first. */
const fileName = 'secrets.key'

/**
 * The keys in the data directory, `undefined` when there is no such file.
 *
 * @throws PlatformError INVALID_OPTION when it cannot be read, others can read it, or it holds no keys
 */
export async function readKeyFile(dataDir: string): Promise<readonly string[] | undefined> {
  const path = join(dataDir, fileName)
  try {
    const mode = (await stat(path)).mode & 0o077
    if (mode !== 0 && process.platform !== 'win32')
      throw unusable(path, 'others can read or change it. Set its mode to 600, and consider its keys known')
    const keys = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim())
    const used = keys.filter((line) => line !== '' && !line.startsWith('#'))
    if (used.length === 0 || used.some((key) => !/^[A-Za-z0-9+/_-]{43}=?$/.test(key)))
      throw unusable(path, 'it does not hold keys of 32 bytes as base64, one a line')
    return used
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw dataDirError(dataDir, error)
  }
}

/** Writes a file with a new key, unless another host was faster; gives the keys that are there then. */
export async function createKeyFile(dataDir: string): Promise<readonly string[]> {
  const folder = await prepareDataDir(dataDir)
  const path = join(folder, fileName)
  const fresh = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    const file = await open(fresh, 'wx', 0o600)
    try {
      await file.writeFile(`${randomBytes(32).toString('base64')}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    // Of this data directory one host has the lock; with a server by URL two may share it, and the first file counts.
    await publish(fresh, path)
    const directory = await open(dirname(path), 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (error) {
    throw dataDirError(dataDir, error)
  } finally {
    await rm(fresh, { force: true })
  }
  return (await readKeyFile(folder)) ?? []
}

/** Gives a complete file its name, unless there is one of that name: in one step, so that of several hosts one wins. */
async function publish(fresh: string, path: string): Promise<void> {
  try {
    await link(fresh, path)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error
    // A file system without hard links. One wins here, too; another could see the file before its content is there, and refuses it then.
    await copyFile(fresh, path, constants.COPYFILE_EXCL).catch((failure: unknown) => {
      if (!hasCode(failure, 'EEXIST')) throw failure
    })
  }
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code)
}

function unusable(path: string, why: string): PlatformError {
  return new PlatformError('INVALID_OPTION', `Cannot use the keys in "${path}": ${why}`, { details: { option: 'secretsKey' } })
}
