import { execFile } from 'node:child_process'
import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Logger } from '@cordon/contracts'
import { isAlive } from './alive.ts'

const run = promisify(execFile)

/**
 * Cleans up after a host that was killed: stops a postmaster that still serves this cluster, and removes its lock
 * file. Whoever calls holds the lock of the data directory, so a running postmaster is an orphan. A process
 * id in the lock file that belongs to somebody else by now (they are re-used) is left alone.
 */
export async function removeLeftovers(cluster: string, logger: Logger | undefined): Promise<void> {
  const lockFile = join(cluster, 'postmaster.pid')
  // Without the file there may be a server all the same: somebody removed it, as people do with lock files.
  const pid = Number((await readFile(lockFile, 'utf8').catch(() => '')).split('\n')[0])
  if (Number.isInteger(pid) && pid > 1 && (await serves(pid, cluster))) {
    logger?.warn({ pid }, 'Stopping the database server of a host that was killed')
    await stopForcefully(pid)
  }
  await killBackends(cluster)
  await rm(lockFile, { force: true })
}

/** SIGQUIT (PostgreSQL's immediate shutdown, which stops the backends too), and SIGKILL after two seconds. */
async function stopForcefully(pid: number): Promise<void> {
  signal(pid, 'SIGQUIT')
  for (let waitedMs = 0; await isAlive(pid); waitedMs += 10) {
    if (waitedMs === 2000) signal(pid, 'SIGKILL')
    await delay(10)
  }
}

async function serves(pid: number, cluster: string): Promise<boolean> {
  if (!(await isAlive(pid))) return false
  // A postmaster's working directory is its cluster.
  if (process.platform === 'linux') return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === cluster
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout.includes(cluster)
}

/** Kills backends whose postmaster is gone: they hold the shared memory, and a new postmaster refuses to start beside them. */
export async function killBackends(cluster: string): Promise<void> {
  if (process.platform !== 'linux') return
  for (;;) {
    const left = await processesIn(cluster)
    if (left.length === 0) return
    for (const pid of left) signal(pid, 'SIGKILL')
    await delay(5)
  }
}

async function processesIn(cluster: string): Promise<number[]> {
  const names = (await readdir('/proc')).filter((one) => /^\d+$/.test(one) && Number(one) !== process.pid)
  const here = await Promise.all(
    names.map(async (name) => {
      if ((await readlink(`/proc/${name}/cwd`).catch(() => '')) !== cluster) return false
      // Somebody's shell may stand in the directory: only PostgreSQL's own processes count.
      return (await readFile(`/proc/${name}/comm`, 'utf8').catch(() => '')).startsWith('postgres')
    }),
  )
  return names.filter((_, index) => here[index]).map(Number)
}

function signal(pid: number, name: 'SIGQUIT' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already.
  }
}
