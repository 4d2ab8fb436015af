import { access, constants, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readHostFile } from '@cordon/adapters/node'
import type { Finding, Place } from './finding.ts'

/** A database that finds its disk full stops; below this many bytes that may happen soon, and below the second it cannot even start. */
const littleSpace = 1_000_000_000
const noSpace = 100_000_000

/** The data directory: whether it can be used, by whom it is, and how much space is left. */
export async function checkDataDir({ dataDir }: Place): Promise<readonly Finding[]> {
  const there = await nearest(dataDir)
  const findings: Finding[] = [await usable(dataDir, there), ...(await spaceOn(there))]
  return findings
}

async function usable(dataDir: string, there: string): Promise<Finding> {
  const check = 'data'
  const info = await stat(there)
  if (!info.isDirectory())
    return { check, state: 'error', message: `${there} is a file, so ${dataDir} cannot be made`, remedy: 'Name another directory with --data-dir' }
  const canWrite = await access(there, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!canWrite) {
    const remedy = 'Change its owner or mode, or name another directory with --data-dir'
    return { check, state: 'error', message: `this user may not write to ${there}`, remedy }
  }
  if (there !== dataDir) return { check, state: 'ok', message: `${dataDir} is not there yet, and can be made` }
  const { databaseStatus } = await import('@cordon/core/database')
  const pid = (await databaseStatus({ dataDir }).catch(() => undefined))?.hostPid
  if (pid === undefined) return { check, state: 'ok', message: `${dataDir} can be used, and nobody uses it now` }
  const host = await readHostFile(dataDir)
  if (host?.pid === pid) return { check, state: 'ok', message: `${dataDir} is used by process ${pid}, which serves ${host.url}` }
  return {
    check,
    state: 'warn',
    message: `${dataDir} is used by process ${pid}, which is no server, so commands cannot reach its functions`,
    remedy: 'Stop that process, serve its platform (`serve` of @cordon/adapters), or name its address with --url',
  }
}

/** The first part of the path that is there. */
async function nearest(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  return isThere || dirname(path) === path ? path : nearest(dirname(path))
}

async function spaceOn(path: string): Promise<readonly Finding[]> {
  const { bavail, bsize } = await statfs(path)
  const free = bavail * bsize
  const message = `${(free / 1e9).toFixed(1)} GB are free on the disk of ${path}`
  if (free >= littleSpace) return [{ check: 'disk', state: 'ok', message }]
  return [
    {
      check: 'disk',
      state: free < noSpace ? 'error' : 'warn',
      message,
      remedy: 'Free some space, or name a directory on another disk with --data-dir',
    },
  ]
}
