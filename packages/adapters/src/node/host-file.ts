import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRecord } from '@cordon/contracts'

/** What `<dataDir>/host.json` says about the running server, so that the command line finds it. */
export interface HostFile {
  readonly pid: number
  /** `http://127.0.0.1:8080`, without a slash at the end. */
  readonly url: string
  /** Bearer token of `/api`. */
  readonly token: string
}

const fileName = 'host.json'
/** Only the owner may read the token. */
const mode = 0o600

/** Writes `<dataDir>/host.json` in one step: a reader sees the old file or the new one. */
export async function writeHostFile(dataDir: string, host: HostFile): Promise<void> {
  // A platform on a database server has made no data directory. What stands in the way is said by the write below.
  await mkdir(dataDir, { mode: folderMode() }).catch(() => undefined)
  const temporary = join(dataDir, `${fileName}.${process.pid}`)
  await writeFile(temporary, `${JSON.stringify(host)}\n`, { mode })
  // The mode of writeFile counts for new files only.
  await chmod(temporary, mode)
  await rename(temporary, join(dataDir, fileName))
}

/** As for any data directory: others may pass when the host is root, because its embedded database runs as another user. */
function folderMode(): number {
  return process.getuid?.() === 0 ? 0o711 : 0o700
}

/** Reads `<dataDir>/host.json`; `undefined` when there is none or it is not one. */
export async function readHostFile(dataDir: string): Promise<HostFile | undefined> {
  try {
    const host: unknown = JSON.parse(await readFile(join(dataDir, fileName), 'utf8'))
    if (!isRecord(host)) return undefined
    const { pid, url, token } = host
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && typeof url === 'string' && typeof token === 'string'
      ? { pid, url, token }
      : undefined
  } catch {
    // Missing, unreadable or half a file: for the reader there is no running host.
    return undefined
  }
}

/** Removes `<dataDir>/host.json` if it is still the one with this token. */
export async function removeHostFile(dataDir: string, token: string): Promise<void> {
  const host = await readHostFile(dataDir)
  if (host?.token === token) await rm(join(dataDir, fileName), { force: true })
}
