import { access, chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PlatformError, reasonOf } from '@cordon/contracts'
import { hostOf } from '../data-dir/lock.ts'

const prefix = 'cordon-test-'
/** File that shows whose a directory is: a name alone may be anybody's, and what it holds may be somebody's work. */
const marker = '.cordon-test'
/** Longest path of the directory for temporary files that leaves room for the path of a socket (107 bytes on Linux, 103 on macOS). */
const maxParent = 60
/** A directory that has no host yet is somebody's who is just starting; after this time in milliseconds it is nobody's. */
const startMs = 60_000

/** Creates the directory of a test platform, and removes those of processes that were killed together with their reaper. @throws PlatformError INVALID_OPTION */
export async function createTestDirectory(): Promise<string> {
  const parent = Buffer.byteLength(tmpdir()) <= maxParent ? tmpdir() : '/tmp'
  const directory = await makeMarked(parent).catch((error: unknown) => {
    throw new PlatformError(
      'INVALID_OPTION',
      `Cannot start the test platform: no directory can be created in "${parent}" (${reasonOf(error)}). Set TMPDIR to one where it can`,
      {
        details: { option: 'TMPDIR' },
        cause: error,
      },
    )
  })
  // PostgreSQL runs as another user when the host is root, and has to pass through.
  if (process.getuid?.() === 0) await chmod(directory, 0o711)
  await removeAbandoned(parent).catch(() => undefined)
  return directory
}

async function makeMarked(parent: string): Promise<string> {
  const directory = await mkdtemp(join(parent, prefix))
  try {
    await writeFile(join(directory, marker), 'A test platform of Cordon made this directory. It is removed when that platform is gone.\n', {
      flag: 'wx',
    })
    return directory
  } catch (error) {
    await rm(directory, { recursive: true, force: true }).catch(() => undefined)
    throw error
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const directory = join(parent, name)
    const { mtimeMs, uid } = await stat(directory).catch(() => ({ mtimeMs: Infinity, uid: -1 }))
    if (uid !== process.getuid?.() || Date.now() - mtimeMs < startMs || (await hostOf(join(directory, 'data'))) !== undefined) continue
    if (!(await isMarked(directory))) continue
    await rm(directory, { recursive: true, force: true })
  }
}

function isMarked(directory: string): Promise<boolean> {
  return access(join(directory, marker)).then(
    () => true,
    () => false,
  )
}
