import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PlatformError, type Logger, type Reaper } from '@cordon/contracts'
import { diskFull, fileError } from './file-error.ts'
import { noAccount, type ServerIdentity } from './identity.ts'
import type { Installation } from './installation.ts'
import { exists, replaceFile } from './place.ts'

/** The superuser of an embedded cluster. */
export const superuser = 'cordon'

const run = promisify(execFile)

/** PostgreSQL keeps paths in 1024 bytes and cuts longer ones off (MAXPGPATH); the rest is for the names inside. */
const maxClusterPath = 900

/**
 * The PostgreSQL major that wrote the cluster; `undefined` when there is none. A directory that an initialisation
 * left behind half-way is moved aside, never deleted; one that was in use and is damaged is refused.
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_OPTION
 */
export async function majorOfCluster(cluster: string, identity: ServerIdentity, logger: Logger | undefined): Promise<number | undefined> {
  // `initdb` would go on with the path cut off, and delete what it finds there when it fails.
  if (Buffer.byteLength(cluster) > maxClusterPath) throw pathTooLong(cluster)
  try {
    await removeUnfinished(cluster)
    if (!(await exists(cluster))) return undefined
    if (await exists(join(cluster, 'global', 'pg_control'))) return await readMajor(cluster, identity, logger)
    // Written by the first start of a server and never removed.
    if (await exists(join(cluster, 'postmaster.opts'))) throw damaged(cluster, 'its control file is missing')
    const aside = `${cluster}.incomplete-${Date.now()}`
    await rename(cluster, aside)
    logger?.warn({ cluster, aside }, 'The database directory was incomplete: moved it aside and start with an empty one')
    return undefined
  } catch (error) {
    throw fileError(error, 'open the embedded database', cluster)
  }
}

/** Deletes what `createCluster` of a host that was killed had begun; an `initdb` of it that still runs fails by that. */
async function removeUnfinished(cluster: string): Promise<void> {
  for (const name of await readdir(dirname(cluster)).catch(() => [])) {
    if (name.startsWith(`${basename(cluster)}.new-`)) await rm(join(dirname(cluster), name), { recursive: true, force: true, maxRetries: 20 })
  }
}

/** Reads PG_VERSION; one that was cut off is written again from the copy that every database has. */
async function readMajor(cluster: string, identity: ServerIdentity, logger: Logger | undefined): Promise<number> {
  for (const file of ['PG_VERSION', 'base/1/PG_VERSION']) {
    const text = await readFile(join(cluster, file), 'utf8').catch(() => '')
    if (!/^\d+\s*$/.test(text)) continue
    if (file !== 'PG_VERSION') {
      await replaceFile(join(cluster, 'PG_VERSION'), text, identity)
      logger?.warn({ cluster }, 'The version file of the database was damaged: wrote it again')
    }
    return Number(text)
  }
  throw damaged(cluster, 'no file says which PostgreSQL wrote it')
}

function damaged(cluster: string, state: string): PlatformError {
  return new PlatformError(
    'STORE_UNAVAILABLE',
    `Cannot open the embedded database: "${cluster}" is damaged, ${state}. Put a backup of it in its place, or move it away to start with an empty one`,
    { details: { path: cluster } },
  )
}

function pathTooLong(cluster: string): PlatformError {
  return new PlatformError(
    'INVALID_OPTION',
    `Cannot use the data directory: its path is longer than the ${maxClusterPath} bytes that PostgreSQL can use. Set dataDir to a shorter one`,
    { details: { path: cluster } },
  )
}

/** What a cluster is created with. */
export interface ClusterOptions {
  readonly installation: Installation
  readonly identity: ServerIdentity
  readonly reaper: Reaper
  /** A cluster that was shut down and is copied, instead of making an empty one. */
  readonly template?: string | undefined
}

/**
 * Creates the cluster. It is built under another name and renamed when it is complete, so a host that dies in the
 * middle leaves nothing that looks like a database, and no `initdb` that goes on for seconds.
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_OPTION
 */
export async function createCluster(cluster: string, { installation, identity, reaper, template }: ClusterOptions): Promise<void> {
  const { bin, major } = installation
  if (template === undefined && !identity.hasAccount) throw noAccount()
  const fresh = `${cluster}.new-${process.pid}`
  try {
    await rm(fresh, { recursive: true, force: true })
    const settings = ['-D', fresh, '-U', superuser, '--auth=reject', '--encoding=UTF8', '--locale=C', '--no-instructions']
    let running: ReturnType<typeof run>
    if (template === undefined) {
      await mkdir(fresh, { mode: 0o700 })
      if (identity.switchTo !== undefined) await chown(fresh, identity.switchTo.uid, identity.switchTo.gid)
      running = run(join(bin, 'initdb'), settings, { ...identity.switchTo, cwd: '/', env: { LC_ALL: 'C' }, maxBuffer: 1 << 20 })
    } else {
      // Owners and modes are kept. Node's own `cp` takes several times as long for a thousand files.
      running = run('cp', ['-Rp', template, fresh])
    }
    const { pid } = running.child
    if (pid !== undefined) reaper.watch(pid)
    try {
      await running
    } finally {
      if (pid !== undefined) reaper.unwatch(pid)
    }
    await writeSettings(fresh, major, identity)
    await rename(fresh, cluster)
    await flushDirectory(dirname(cluster))
  } catch (error) {
    await rm(fresh, { recursive: true, force: true, maxRetries: 20 })
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

/** Makes a new name in the directory last: after a power failure the cluster would else be taken for one that was not finished. */
async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** What `initdb` would have put into postgresql.conf; all other settings are on the server's command line. */
const configuration = `# Cordon writes this file at every start. Settings of your own: ALTER SYSTEM.
lc_messages = 'C'
lc_monetary = 'C'
lc_numeric = 'C'
lc_time = 'C'
default_text_search_config = 'pg_catalog.english'
`

/**
 * Writes the three files that the server reads when it starts, whatever a crash or a full disk left of them, and takes back
 * access rights that PostgreSQL refuses (some volume drivers give the group all of them).
 *
 * Who may sign in: over the private socket only, and only the host's own operating-system user, checked by the kernel
 * (`peer`). PostgreSQL before 16 cannot map one user to all roles; there the 0700 directory of the socket alone decides.
 */
export async function writeSettings(cluster: string, major: number, identity: ServerIdentity): Promise<void> {
  const user = identity.hostUser
  const isPeer = major >= 16 && user !== undefined && !/["\n]/.test(user)
  if (((await stat(cluster)).mode & 0o777) !== 0o700) await chmod(cluster, 0o700)
  await replaceFile(join(cluster, 'postgresql.conf'), configuration, identity)
  await replaceFile(join(cluster, 'pg_hba.conf'), `local all all ${isPeer ? 'peer map=cordon' : 'trust'}\n`, identity)
  await replaceFile(join(cluster, 'pg_ident.conf'), isPeer ? `cordon "${user}" all\n` : '', identity)
}
