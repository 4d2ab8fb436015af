import { access, constants, lstat, mkdir } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/**
 * The directory where what takes long to make is kept from one process to the next: `node_modules/.cache/cordon/testing` of the project,
 * else the user's cache, else a place among the temporary files; `undefined` where nothing can be written.
 */
export async function cacheDirectory(): Promise<string | undefined> {
  for (const candidate of candidates()) if (await isOurs(candidate)) return candidate
  return undefined
}

function* candidates(): Generator<string> {
  for (let folder = resolve('.'); ; folder = dirname(folder)) {
    yield join(folder, 'node_modules', '.cache', 'cordon', 'testing')
    if (folder === dirname(folder)) break
  }
  const { XDG_CACHE_HOME, HOME } = process.env
  yield join(XDG_CACHE_HOME || join(HOME || homeOfUser(), '.cache'), 'cordon', 'testing')
  yield join(tmpdir(), `cordon-testing-${process.getuid?.() ?? 'cache'}`)
}

function homeOfUser(): string {
  try {
    return homedir()
  } catch {
    // A user without an entry in the list of users.
    return '/nonexistent'
  }
}

/** Others must not write what is taken for our own later. A project without `node_modules` gets none. */
async function isOurs(path: string): Promise<boolean> {
  const packages = path.indexOf(join('node_modules', '.cache'))
  try {
    if (packages !== -1) await access(path.slice(0, packages + 'node_modules'.length))
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    const { uid, mode } = await lstat(path)
    return uid === (process.getuid?.() ?? uid) && (process.platform === 'win32' || (mode & 0o022) === 0)
  } catch {
    return false
  }
}
