import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isRecord, PlatformError } from '@cordon/contracts'
import { dataDirError } from './data-dir.ts'
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts'

/** The right of this process to use a data directory. */
export interface DataDirLock {
  /** Idempotent. */
  release(): Promise<void>
}

/** How long a restart of the host that holds the directory is waited for. */
const restartMs = 5000
/** Pause between two looks at a lock that somebody holds. */
const retryMs = 50

/**
 * Takes the single-host lock of a data directory: a file that names its holder by pid and start time, made by `link`,
 * which is atomic and fails when the file is there. The lock of a process that is gone is taken over.
 *
 * @throws PlatformError DATA_DIR_IN_USE naming the pid when another process still holds it after 5 s, INVALID_OPTION when nothing can be written
 */
export async function lockDataDir(dataDir: string, waitMs: number = restartMs): Promise<DataDirLock> {
  const lock = join(dataDir, 'lock')
  const own = join(dataDir, `.lock-${process.pid}-${randomUUID()}`)
  try {
    await writeFile(own, JSON.stringify(ownIdentity()), { mode: 0o600, flag: 'wx' })
    const deadline = performance.now() + waitMs
    for (;;) {
      if (await claim(own, lock)) break
      const holder = await readHolder(lock)
      // Gone between the two steps: try again at once.
      if (holder === undefined) continue
      if (!isRunning(holder)) {
        await clearStale(own, lock)
      } else if (performance.now() >= deadline) {
        throw inUse(dataDir, holder)
      }
      await delay(retryMs)
    }
  } catch (error) {
    await rm(own, { force: true }).catch(() => {})
    throw dataDirError(dataDir, error)
  }
  await rm(own, { force: true })
  let isHeld = true
  return {
    async release() {
      if (!isHeld) return
      isHeld = false
      await rm(lock, { force: true })
    },
  }
}

/**
 * Removes the lock of a dead process. Only one process may do that at a time, or the second would remove the lock that
 * the first has taken meanwhile: who wants to, holds `lock.takeover` and looks again.
 */
async function clearStale(own: string, lock: string): Promise<void> {
  const takeover = `${lock}.takeover`
  if (!(await claim(own, takeover))) {
    // Its holder works for a millisecond; one that died in it is cleared the same way, a second time around.
    const holder = await readHolder(takeover)
    if (holder !== undefined && !isRunning(holder)) await rm(takeover, { force: true })
    return
  }
  try {
    const holder = await readHolder(lock)
    if (holder !== undefined && !isRunning(holder)) await rm(lock, { force: true })
  } finally {
    await rm(takeover, { force: true })
  }
}

async function claim(own: string, name: string): Promise<boolean> {
  try {
    await link(own, name)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Who holds a lock; `undefined` when nobody does. What cannot be read is held by nobody who lives. */
async function readHolder(file: string): Promise<ProcessIdentity | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    const parsed: unknown = JSON.parse(text)
    if (isRecord(parsed) && typeof parsed['pid'] === 'number' && Number.isSafeInteger(parsed['pid']) && parsed['pid'] > 0) {
      return { pid: parsed['pid'], startTime: typeof parsed['startTime'] === 'string' ? parsed['startTime'] : null }
    }
  } catch {
    // Not JSON: not ours, or cut off by a full disk.
  }
  return { pid: 0, startTime: 'unreadable' }
}

/** Process id of the host that uses a data directory; `undefined` when none does. */
export async function hostOf(dataDir: string): Promise<number | undefined> {
  const holder = await readHolder(join(dataDir, 'lock')).catch(() => undefined)
  return holder !== undefined && isRunning(holder) ? holder.pid : undefined
}

function inUse(dataDir: string, { pid }: ProcessIdentity): PlatformError {
  return new PlatformError(
    'DATA_DIR_IN_USE',
    `Cannot use the data directory "${dataDir}": process ${pid} uses it. Stop that process, or set dataDir to another directory`,
    {
      details: { pid, dataDir },
    },
  )
}
