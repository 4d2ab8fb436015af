import { readFile, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { PlatformError } from '@cordon/contracts'

/** As whom PostgreSQL runs. It refuses to run as root, so a host that is root gives it another user. */
export interface ServerIdentity {
  /** Set when the user has to be changed. */
  readonly switchTo?: { readonly uid: number; readonly gid: number } | undefined
  /** Name of the user that the host itself runs as; `undefined` when it has none. */
  readonly hostUser: string | undefined
  /** Whether the user that PostgreSQL runs as has an entry in /etc/passwd. Only `initdb` needs one; a server runs without. */
  readonly hasAccount: boolean
}

/** The uid and gid that `nobody` has on most systems. */
const nobody = 65534

/**
 * Decides as whom PostgreSQL runs. `cluster` is where an existing database may lie: PostgreSQL insists on being its owner.
 */
export async function serverIdentity(cluster: string): Promise<ServerIdentity> {
  const hostUser = nameOfHost()
  if (process.getuid?.() !== 0) return { hostUser, hasAccount: hostUser !== undefined }
  const owner = await stat(cluster).catch(() => undefined)
  const users = await readUsers()
  if (owner !== undefined && owner.uid !== 0)
    return { hostUser, switchTo: { uid: owner.uid, gid: owner.gid }, hasAccount: users.some(({ uid }) => uid === owner.uid) }
  const found = users.find(({ uid }) => uid === nobody) ?? users.find(({ name, uid }) => (name === 'postgres' || name === 'nobody') && uid !== 0)
  const { uid, gid } = found ?? { uid: nobody, gid: nobody }
  return { hostUser, switchTo: { uid, gid }, hasAccount: found !== undefined }
}

/** `initdb` looks its user up by uid and fails without an entry: what to do about it. */
export function noAccount(): PlatformError {
  const uid = process.getuid?.()
  const state =
    uid === 0
      ? 'PostgreSQL refuses to run as root, and /etc/passwd has neither "nobody" nor "postgres". Add one of them, run as an ordinary user'
      : `the user id ${uid ?? 'of this process'} has no entry in /etc/passwd, which PostgreSQL needs for that. ` +
        'Add one (for example "RUN adduser" in a Dockerfile), start once as a user that has one and give the data directory to this user id'
  return new PlatformError('STORE_UNAVAILABLE', `Cannot create the embedded database: ${state}, or set databaseUrl to a server`)
}

function nameOfHost(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}

async function readUsers(): Promise<{ name: string; uid: number; gid: number }[]> {
  const lines = await readFile('/etc/passwd', 'utf8').catch(() => '')
  return lines.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : []
  })
}

/** Whether that user can enter `directory`: every directory on the way must let it pass. */
export async function canEnter(directory: string, identity: ServerIdentity): Promise<boolean> {
  const who = identity.switchTo
  if (who === undefined) return true
  for (let path = directory; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path)
    const bit = uid === who.uid ? 0o100 : gid === who.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (path === dirname(path)) return true
  }
}
