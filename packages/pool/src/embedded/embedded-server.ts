import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError, toPlatformError, type Logger, type Reaper } from '@cordon/contracts'
import { clientConfig, type SqlConnection } from '../sql/sql-connection.ts'
import { createCluster, majorOfCluster, superuser, writeAccessRules } from './cluster.ts'
import { codeOf, fileError } from './file-error.ts'
import { canEnter, serverIdentity, type ServerIdentity } from './identity.ts'
import { findInstallation, type Installation } from './installation.ts'
import { killBackends, removeLeftovers } from './leftovers.ts'
import { findPlace, type Place } from './place.ts'
import { hasExited, socketPort, startPostmaster, type Postmaster } from './postmaster.ts'

/** Options of `createEmbeddedServer`. */
export interface EmbeddedServerOptions {
  /** The platform's data directory. The caller holds its lock: a server that still runs for it is taken for an orphan and stopped. */
  readonly dataDir: string
  /** Stops the server when the host dies. */
  readonly reaper: Reaper
  readonly logger?: Logger | undefined
}

/** How the server process ended without being asked to. */
export interface ServerExit {
  readonly exitCode: number | null
  readonly signal: string | null
}

/** A PostgreSQL server that runs as a child of the host and belongs to it alone. */
export interface EmbeddedServer extends AsyncDisposable {
  /** Signs in as the superuser to the platform's own database `cordon`. Stays the same when the server is restarted. */
  readonly connection: SqlConnection
  /** Version of PostgreSQL, for example `18.4`. */
  readonly version: string
  /** Process id of the server at this moment. */
  readonly pid: number
  /** Adds a listener for a server process that died; it is started again by itself. The returned function removes it. */
  onExit(listener: (exit: ServerExit) => void): () => void
  /** Fast shutdown: open transactions are rolled back, data is flushed. Idempotent. */
  close(): Promise<void>
  /** Stops at once; the next start recovers from the log. Idempotent. */
  destroy(): Promise<void>
}

/** Name of the platform's own database in an embedded server. */
const database = 'cordon'
/** A fast shutdown writes one checkpoint; a server that needs longer is stopped at once, which loses nothing either. */
const fastShutdownMs = 5000
const immediateShutdownMs = 1000
const firstRestartDelayMs = 50
const maxRestartDelayMs = 5000

/**
 * Starts PostgreSQL in `<dataDir>/postgres`, creating it on the first start (about 0.5 s; later starts take about 0.1 s).
 *
 * @throws PlatformError STORE_UNAVAILABLE, INVALID_OPTION
 */
export async function createEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  if (process.platform === 'win32') {
    throw new PlatformError(
      'STORE_UNAVAILABLE',
      'Cannot start the embedded database: Windows is not supported yet. Set databaseUrl to a PostgreSQL server',
    )
  }
  const { logger } = options
  const dataDir = resolve(options.dataDir)
  // The driver is loaded while the disk is read.
  const driver = import('pg')
  driver.catch(() => undefined)
  const identity = await serverIdentity(join(dataDir, 'postgres'))
  const place = await findPlace(dataDir, identity, logger)
  const major = await majorOfCluster(place.cluster, logger)
  const installation = await findInstallation({ major, identity, copyTo: place.programs, logger })
  if (major === undefined) await createCluster(place.cluster, { installation, identity, reaper: options.reaper })
  else {
    await removeLeftovers(place.cluster, logger)
    await writeAccessRules(place.cluster, installation.major, identity)
  }
  const socketDirectory = await createSocketDirectory(identity, place.socketNote)
  const server = new EmbeddedPostgres(options, { identity, place, installation, socketDirectory })
  await server.start()
  return server
}

/** How the name of every socket directory begins. */
const socketPrefix = 'cordon-'
/** The longest path of a socket is 107 bytes on Linux and 103 on macOS; `/.s.PGSQL.5432` takes 14 of them. */
const maxSocketDirectory = 103 - 14

async function createSocketDirectory(identity: ServerIdentity, note: string): Promise<string> {
  // The last host was killed: its directory is still there.
  const last = await readFile(note, 'utf8').catch(() => '')
  if (basename(last).startsWith(socketPrefix)) await rm(last, { recursive: true, force: true })
  const candidates = [tmpdir(), '/tmp']
  for (const parent of candidates) {
    const isLast = parent === candidates.at(-1)
    if (Buffer.byteLength(parent) + 1 + socketPrefix.length + 6 > maxSocketDirectory && !isLast) continue
    try {
      if (!isLast && !(await canEnter(parent, identity))) continue
      const directory = await mkdtemp(join(parent, socketPrefix))
      await writeFile(note, directory)
      if (identity.switchTo !== undefined) await chown(directory, identity.switchTo.uid, identity.switchTo.gid)
      return directory
    } catch (error) {
      if (isLast) throw fileError(error, 'create the socket of the embedded database', parent)
    }
  }
  throw new PlatformError('STORE_UNAVAILABLE', 'Cannot create the socket of the embedded database: no temporary directory can be used')
}

interface Parts {
  readonly identity: ServerIdentity
  readonly place: Place
  readonly installation: Installation
  readonly socketDirectory: string
}

class EmbeddedPostgres implements EmbeddedServer {
  readonly connection: SqlConnection
  readonly #options: EmbeddedServerOptions
  readonly #parts: Parts
  readonly #listeners = new Set<(exit: ServerExit) => void>()
  #postmaster: Postmaster | undefined
  #pid = 0
  #version = ''
  #stopping: Promise<void> | undefined
  readonly #stop = new AbortController()
  #restart: Promise<void> = Promise.resolve()

  constructor(options: EmbeddedServerOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
    this.connection = { host: parts.socketDirectory, port: socketPort, user: superuser, database }
  }

  get version(): string {
    return this.#version
  }

  get pid(): number {
    return this.#pid
  }

  onExit(listener: (exit: ServerExit) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async start(): Promise<void> {
    try {
      await this.#startProcess()
    } catch (error) {
      await this.destroy()
      throw error
    }
  }

  async #startProcess(): Promise<void> {
    const { reaper } = this.#options
    let spawned = 0
    try {
      const onSpawn = (pid: number): void => {
        spawned = pid
        this.#pid = pid
        reaper.watch(pid, 'SIGQUIT')
      }
      const postmaster = await startPostmaster({ ...this.#parts, onSpawn }, () => this.#connectOnce())
      this.#postmaster = postmaster
      if (hasExited(postmaster)) this.#onProcessExit(postmaster)
      else postmaster.child.once('exit', () => this.#onProcessExit(postmaster))
    } catch (error) {
      if (spawned > 0) reaper.unwatch(spawned)
      throw error
    }
  }

  /** Proves that the server answers, and creates the platform's database where it is missing (first start, or one cut short). */
  async #connectOnce(): Promise<void> {
    try {
      this.#version = await this.#ask(database, [])
    } catch (error) {
      if (codeOf(error) !== '3D000') throw error
      // Nobody but the superuser has business in the databases that initdb made, nor in the platform's.
      const revokes = [database, 'postgres', 'template1'].map((name) => `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
      this.#version = await this.#ask('postgres', [`CREATE DATABASE ${database}`, ...revokes])
    }
  }

  async #ask(name: string, statements: readonly string[]): Promise<string> {
    const { Client } = (await import('pg')).default
    const client = new Client(clientConfig({ ...this.connection, database: name }, 'cordon supervisor'))
    client.on('error', () => undefined)
    try {
      await client.connect()
      for (const statement of statements) await client.query(statement)
      const { rows } = await client.query<[string]>({ text: 'SHOW server_version', rowMode: 'array' })
      return rows[0]?.[0] ?? ''
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  #onProcessExit({ child, pid }: Postmaster): void {
    this.#options.reaper.unwatch(pid)
    if (this.#stopping !== undefined) return
    const exit: ServerExit = { exitCode: child.exitCode, signal: child.signalCode }
    this.#options.logger?.error({ ...exit }, 'The database server died; starting it again')
    for (const listener of this.#listeners) listener(exit)
    this.#restart = this.#startAgain()
  }

  async #startAgain(): Promise<void> {
    for (let delayMs = firstRestartDelayMs; !this.#stop.signal.aborted; delayMs = Math.min(delayMs * 2, maxRestartDelayMs)) {
      try {
        await killBackends(this.#parts.place.cluster)
        await this.#startProcess()
        this.#options.logger?.info({ pid: this.pid }, 'The database server runs again')
        return
      } catch (error) {
        const { message } = toPlatformError(error, 'STORE_UNAVAILABLE', 'start the database server again')
        this.#options.logger?.error({ delayMs }, message)
        await delay(delayMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      }
    }
  }

  close(): Promise<void> {
    this.#stopping ??= this.#shutDown('SIGINT', fastShutdownMs)
    return this.#stopping
  }

  async destroy(): Promise<void> {
    const isClosing = this.#stopping !== undefined
    this.#stopping ??= this.#shutDown('SIGQUIT', immediateShutdownMs)
    if (isClosing) this.#postmaster?.child.kill('SIGQUIT')
    return this.#stopping
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #shutDown(signal: 'SIGINT' | 'SIGQUIT', timeoutMs: number): Promise<void> {
    this.#stop.abort()
    await this.#restart
    const postmaster = this.#postmaster
    if (postmaster !== undefined && !hasExited(postmaster)) {
      postmaster.child.kill(signal)
      const timers = [
        setTimeout(() => postmaster.child.kill('SIGQUIT'), timeoutMs),
        setTimeout(() => postmaster.child.kill('SIGKILL'), timeoutMs + immediateShutdownMs),
      ]
      await postmaster.exited
      for (const timer of timers) clearTimeout(timer)
      // After a SIGKILL the backends have no postmaster that would stop them.
      if (postmaster.child.signalCode !== null) await killBackends(this.#parts.place.cluster)
    }
    await rm(this.#parts.socketDirectory, { recursive: true, force: true })
    await rm(this.#parts.place.socketNote, { force: true })
  }
}
