import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What was not changed for so long is of another release, or of a process that was killed. In milliseconds. */
const unusedMs = 3_600_000

/** Removes what the cache has no use for any more. */
export async function removeUnused(cache: string, isOld: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!isOld(name)) continue
    const path = join(cache, name)
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > unusedMs) await rm(path, { recursive: true, force: true })
  }
}
