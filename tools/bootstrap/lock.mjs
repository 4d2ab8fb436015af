import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { explainFileError } from './problem.mjs'

/** Time between two looks at a lock that somebody else holds, in milliseconds. */
const pollMs = 100

/**
 * Runs `work` while no other process does so under the same lock file. A lock whose owners are dead is taken over. `work`
 * gets a function that adds a process to the owners: a child that survives our sudden death still holds the lock.
 *
 * @template T
 * @param {string} path
 * @param {(share: (pid: number) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, work) {
  const me = identify(process.pid)
  let mine = JSON.stringify([me])
  let isAnnounced = false
  while (!take(path, mine)) {
    const text = read(path)
    if (text === null) continue
    const owners = ownersOf(text)
    if (!owners.some(isAlive)) {
      breakLock(path, text)
      continue
    }
    if (!isAnnounced) console.error(`Waiting: process ${owners[0].pid} is setting up this folder …`)
    isAnnounced = true
    await delay(pollMs)
  }
  try {
    return await work((pid) => {
      mine = JSON.stringify([me, identify(pid)])
      const draft = `${path}.${process.pid}`
      writeFileSync(draft, mine)
      renameSync(draft, path)
    })
  } finally {
    if (read(path) === mine) rmSync(path, { force: true })
  }
}

/** A lock appears with its content (link of a finished file), so nobody ever reads half of one. */
function take(path, content) {
  const draft = `${path}.${process.pid}`
  try {
    writeFileSync(draft, content)
    linkSync(draft, path)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw explainFileError(error, 'set up Cordon', path)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Removes the stale lock `seen`. Two processes may try at once: the one that moved a newer lock away puts it back. */
function breakLock(path, seen) {
  const aside = `${path}.${process.pid}.stale`
  try {
    renameSync(path, aside)
    if (readFileSync(aside, 'utf8') !== seen) linkSync(aside, path)
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw explainFileError(error, 'set up Cordon', path)
  } finally {
    rmSync(aside, { force: true })
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw explainFileError(error, 'set up Cordon', path)
  }
}

function ownersOf(text) {
  try {
    const owners = JSON.parse(text)
    return Array.isArray(owners) ? owners.filter((owner) => Number.isSafeInteger(owner?.pid) && owner.pid > 0) : []
  } catch {
    return []
  }
}

function isAlive(owner) {
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    if (error.code === 'ESRCH') return false
  }
  // The pid may have been given to another process since.
  return owner.startedAt === null || startTime(owner.pid) === owner.startedAt
}

function identify(pid) {
  return { pid, startedAt: startTime(pid) }
}

/** Start of a process in clock ticks since boot (field 22 of /proc/<pid>/stat), null where there is no /proc. */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
