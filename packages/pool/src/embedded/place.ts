import { createHash } from 'node:crypto'
import { access, chown, lstat, mkdir, readdir, readFile, readlink, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PlatformError, type Logger } from '@cordon/contracts'
import { codeOf, fileError } from './file-error.ts'
import { canEnter, type ServerIdentity } from './identity.ts'

/** Where things lie on the disk. */
export interface Place {
  /** Directory of the database cluster; may not exist yet. Its parent is owned by the host's user. */
  readonly cluster: string
  /** File that takes the server's messages. */
  readonly logFile: string
  /** File that names the directory of the socket. */
  readonly socketNote: string
  /** Directory for copied programs, created on demand. */
  readonly programs: () => Promise<string>
}

/** Root-owned, enterable by everybody; data that must survive a restart of the machine belongs below /var/lib. */
const systemDirectory = '/var/lib/cordon'

/**
 * Decides where the cluster of `dataDir` lies. That is `<dataDir>/postgres`, unless the host is root and the directory
 * is unreachable for the user that PostgreSQL runs as (below `/root`, for example): then it is a directory below
 * /var/lib/cordon, and `<dataDir>/postgres` a link to it.
 *
 * @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE
 */
export async function findPlace(dataDir: string, identity: ServerIdentity, logger: Logger | undefined): Promise<Place> {
  try {
    // Others may pass through (PostgreSQL runs as somebody else when the host is root), not look.
    await makeDirectory(dataDir, identity.switchTo === undefined ? 0o700 : 0o711)
    await probeWriting(dataDir)
    const files = { logFile: join(dataDir, 'postgres.log'), socketNote: join(dataDir, 'postgres.socket') }
    const here = join(await realpath(dataDir), 'postgres')
    if (identity.switchTo === undefined)
      return { cluster: await readlink(here).catch(() => here), ...files, programs: () => ownDirectory(join(dataDir, 'programs')) }
    const programs = (): Promise<string> => ownDirectory(systemDirectory)
    if (await canEnter(dataDir, identity)) return { cluster: here, ...files, programs }
    return { cluster: await elsewhere(here, logger), ...files, programs }
  } catch (error) {
    throw fileError(error, 'use the data directory', dataDir)
  }
}

async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode })
  } catch (error) {
    // Node says ENOENT for a read-only file system when it creates parents too; without parents it says what is wrong.
    if (codeOf(error) !== 'ENOENT') throw error
    await mkdir(path, { mode })
  }
}

/** `access(2)` says yes to root on everything and knows nothing of full disks; writing a byte does. */
async function probeWriting(dataDir: string): Promise<void> {
  const probe = join(dataDir, `.probe-${process.pid}`)
  await writeFile(probe, '.')
  await rm(probe, { force: true })
}

/**
 * Deletes clusters whose data directory was in the directory for temporary files and is gone. Those of any other place
 * stay: a directory that is not there may be on a volume that is not mounted.
 */
async function removeAbandoned(): Promise<void> {
  const temporary = join(await realpath(tmpdir()), '/')
  for (const name of await readdir(systemDirectory)) {
    if (!name.startsWith('data-')) continue
    const home = join(systemDirectory, name)
    const owner = await readFile(join(home, 'owner'), 'utf8').catch(() => '')
    if (!owner.startsWith(temporary) || (await exists(dirname(owner)).catch(() => true))) continue
    if (!(await exists(join(home, 'postgres', 'postmaster.pid')))) await rm(home, { recursive: true, force: true })
  }
}

async function elsewhere(here: string, logger: Logger | undefined): Promise<string> {
  const linked = await readlink(here).catch(() => undefined)
  if (linked !== undefined && (await isOwnedBy(linked, here))) return linked
  const home = join(await ownDirectory(systemDirectory), `data-${createHash('sha256').update(here).digest('hex').slice(0, 16)}`)
  // No link although the place is taken: the data directory was removed by its owner. Its old data is kept once.
  if (linked === undefined && (await exists(home))) {
    await rm(`${home}.previous`, { recursive: true, force: true })
    await rename(home, `${home}.previous`)
  }
  await removeAbandoned()
  await ownDirectory(home)
  await writeFile(join(home, 'owner'), here)
  const cluster = join(home, 'postgres')
  await rm(here, { force: true })
  await symlink(cluster, here)
  logger?.warn(
    { dataDir: dirname(here), cluster },
    'The user that PostgreSQL runs as cannot enter the data directory: the database is kept in another one',
  )
  return cluster
}

/** A link is followed when it was made for this directory, or for one that is gone (moved); a copied directory gets a cluster of its own. */
async function isOwnedBy(cluster: string, here: string): Promise<boolean> {
  const owner = await readFile(join(dirname(cluster), 'owner'), 'utf8').catch(() => undefined)
  if (owner === undefined) return false
  if (owner === here) return true
  if (await exists(owner)) return false
  await writeFile(join(dirname(cluster), 'owner'), here)
  return true
}

/** Creates a directory that only the host's user can write and everybody can enter. */
async function ownDirectory(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o711 })
  const { uid, mode } = await lstat(path)
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) {
    throw new PlatformError('INVALID_OPTION', `Cannot use "${path}": somebody else can write to it. Remove it or correct its owner and mode`)
  }
  return path
}

/** Replaces a file in a directory that belongs to the server's user, without ever following a link that lies there. */
export async function replaceFile(path: string, text: string, identity: ServerIdentity): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return
  const fresh = join(dirname(dirname(path)), `.write-${process.pid}`)
  await rm(fresh, { force: true })
  await writeFile(fresh, text, { mode: 0o600, flag: 'wx' })
  if (identity.switchTo !== undefined) await chown(fresh, identity.switchTo.uid, identity.switchTo.gid)
  await rename(fresh, path)
}

/** Whether there is something at `path`; an unreadable path is an error. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}
