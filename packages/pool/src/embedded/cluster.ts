import { execFile } from 'node:child_process'
import { chown, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PlatformError, type Logger, type Reaper } from '@cordon/contracts'
import { diskFull, fileError } from './file-error.ts'
import type { ServerIdentity } from './identity.ts'
import type { Installation } from './installation.ts'
import { exists, replaceFile } from './place.ts'

/** The superuser of an embedded cluster. */
export const superuser = 'cordon'

const run = promisify(execFile)

/**
 * The PostgreSQL major that wrote the cluster; `undefined` when there is none. A directory that an initialisation
 * left behind half-way (no control file yet) is moved aside, never deleted.
 */
export async function majorOfCluster(cluster: string, logger: Logger | undefined): Promise<number | undefined> {
  try {
    for (const name of await readdir(dirname(cluster)).catch(() => [])) {
      if (name.startsWith(`${basename(cluster)}.new-`)) await rm(join(dirname(cluster), name), { recursive: true, force: true })
    }
    if (!(await exists(cluster))) return undefined
    const version = (await exists(join(cluster, 'PG_VERSION'))) ? await readFile(join(cluster, 'PG_VERSION'), 'utf8') : ''
    if (/^\d+\s*$/.test(version) && (await exists(join(cluster, 'global', 'pg_control')))) return Number(version)
    const aside = `${cluster}.incomplete-${Date.now()}`
    await rename(cluster, aside)
    logger?.warn({ cluster, aside }, 'The database directory was incomplete: moved it aside and start with an empty one')
    return undefined
  } catch (error) {
    throw fileError(error, 'open the embedded database', cluster)
  }
}

/** What a cluster is created with. */
export interface ClusterOptions {
  readonly installation: Installation
  readonly identity: ServerIdentity
  readonly reaper: Reaper
}

/**
 * Creates the cluster. It is built under another name and renamed when it is complete, so a host that dies in the
 * middle leaves nothing that looks like a database, and no `initdb` that goes on for seconds.
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_OPTION
 */
export async function createCluster(cluster: string, { installation, identity, reaper }: ClusterOptions): Promise<void> {
  const { bin, major } = installation
  const fresh = `${cluster}.new-${process.pid}`
  try {
    await rm(fresh, { recursive: true, force: true })
    await mkdir(fresh, { mode: 0o700 })
    if (identity.switchTo !== undefined) await chown(fresh, identity.switchTo.uid, identity.switchTo.gid)
    const settings = ['-D', fresh, '-U', superuser, '--auth=reject', '--encoding=UTF8', '--locale=C', '--no-instructions']
    const running = run(join(bin, 'initdb'), settings, { ...identity.switchTo, cwd: '/', env: { LC_ALL: 'C' }, maxBuffer: 1 << 20 })
    const { pid } = running.child
    if (pid !== undefined) reaper.watch(pid)
    try {
      await running
    } finally {
      if (pid !== undefined) reaper.unwatch(pid)
    }
    await writeAccessRules(fresh, major, identity)
    await rename(fresh, cluster)
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    throw initError(error, cluster)
  }
}

function initError(error: unknown, cluster: string): PlatformError {
  const text = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : ''
  if (/No space left|Disk quota exceeded/.test(text)) return diskFull('create the embedded database', cluster, error)
  const reason = /^(?:initdb|postgres): (?:error|fatal): (.*)$|(?:FATAL|PANIC): {2}(.*)$/m.exec(text)
  if (reason !== null)
    return new PlatformError('STORE_UNAVAILABLE', `Cannot create the embedded database: ${reason[1] ?? reason[2]}`, {
      cause: error,
      details: { path: cluster },
    })
  return fileError(error, 'create the embedded database', cluster)
}

/**
 * Who may sign in: over the private socket only, and only the host's own operating-system user, checked by the kernel
 * (`peer`). PostgreSQL before 16 cannot map one user to all roles; there the 0700 directory of the socket alone decides.
 */
export async function writeAccessRules(cluster: string, major: number, identity: ServerIdentity): Promise<void> {
  const user = identity.hostUser
  const isPeer = major >= 16 && user !== undefined && !/["\n]/.test(user)
  await replaceFile(join(cluster, 'pg_hba.conf'), `local all all ${isPeer ? 'peer map=cordon' : 'trust'}\n`, identity)
  await replaceFile(join(cluster, 'pg_ident.conf'), isPeer ? `cordon "${user}" all\n` : '', identity)
}
