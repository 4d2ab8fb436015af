import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError, toPlatformError, type Logger, type Reaper } from '@cordon/contracts'
import { clientConfig, type SqlConnection } from '../sql/sql-connection.ts'
import { createCluster, majorOfCluster, superuser, writeSettings } from './cluster.ts'
import { platformDatabase as database } from './embedded-files.ts'
import { codeOf } from './file-error.ts'
import { serverIdentity, type ServerIdentity } from './identity.ts'
import { findInstallation, type Installation } from './installation.ts'
import { killBackends, removeLeftovers } from './leftovers.ts'
import { findPlace, type Place } from './place.ts'
import { hasExited, socketPort, startPostmaster, type Postmaster } from './postmaster.ts'
import { limitServerLog } from './server-log.ts'
import { createSocketDirectory } from './socket-directory.ts'
import type { TemporaryServer } from './temporary-server.ts'

/** Options of `createEmbeddedServer`. */
export interface EmbeddedServerOptions {
  /** The platform's data directory. The caller holds its lock: a server that still runs for it is taken for an orphan and stopped. */
  readonly dataDir: string
  /** Stops the server when the host dies. */
  readonly reaper: Reaper
  readonly logger?: Logger | undefined
  /**
   * Time between two looks at the server and its log, in milliseconds, and the time it is given to answer. A server that
   * twice does not is killed and started again.
   *
   * @default 10_000
   */
  readonly watchIntervalMs?: number | undefined
  /** Set for a server whose data need not outlive the host; it does not keep the host alive either. @default none */
  readonly temporary?: TemporaryServer | undefined
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

/** A fast shutdown writes one checkpoint; a server that needs longer is stopped at once, which loses nothing either. */
const fastShutdownMs = 5000
const immediateShutdownMs = 1000
/** The first restart is made at once; the second waits this long, and each further one twice as long as the one before. */
const firstRestartDelayMs = 50
const maxRestartDelayMs = 5000
/** From this many ends in a row on, whoever wants the database is told at once instead of waiting for the next start. */
const endsOfOutage = 6
/** A server that ran this long works: when it ends, the counting starts anew. */
const provenAfterMs = 10_000
const defaultWatchIntervalMs = 10_000
/** How often in a row a server may leave a question unanswered. */
const maxUnanswered = 2

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
  const major = await majorOfCluster(place.cluster, identity, logger)
  const installation = await findInstallation({ major, identity, copyTo: place.programs, logger })
  if (major === undefined)
    await createCluster(place.cluster, { installation, identity, reaper: options.reaper, template: options.temporary?.template })
  else {
    await removeLeftovers(place.cluster, logger)
    await writeSettings(place.cluster, installation.major, identity)
  }
  const socketDirectory = await createSocketDirectory(identity, place.socketNote, options.temporary?.directory)
  const server = new EmbeddedPostgres(options, { identity, place, installation, socketDirectory })
  await server.start()
  return server
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
  /** Ends and failed starts since the server last worked for a while. */
  #ends = 0
  #lastEnd = ''
  #startedAt = 0
  #unanswered = 0
  #watch: NodeJS.Timeout | undefined

  constructor(options: EmbeddedServerOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
    const isTemporary = options.temporary !== undefined
    this.connection = { host: parts.socketDirectory, port: socketPort, user: superuser, database, outage: () => this.#outage(), isTemporary }
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
    const intervalMs = this.#options.watchIntervalMs ?? defaultWatchIntervalMs
    let isLooking = false
    this.#watch = setInterval(() => {
      if (isLooking) return
      isLooking = true
      void this.#look(intervalMs).finally(() => {
        isLooking = false
      })
    }, intervalMs)
    this.#watch.unref()
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
      const postmaster = await startPostmaster(
        { ...this.#parts, onSpawn, signal: this.#stop.signal, isTemporary: this.connection.isTemporary === true },
        () => this.#connectOnce(),
      )
      this.#postmaster = postmaster
      this.#startedAt = performance.now()
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
      // Nobody but the superuser has business in the databases that initdb made, nor in the platform's, which gets its name
      // last: a host that dies in the middle leaves none that everybody may enter.
      const fresh = `${database}_new`
      const revokes = ['postgres', 'template1', fresh].map((name) => `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
      await this.#ask('postgres', [`DROP DATABASE IF EXISTS ${fresh}`, `CREATE DATABASE ${fresh}`, ...revokes])
      this.#version = await this.#ask('postgres', [`ALTER DATABASE ${fresh} RENAME TO ${database}`])
    }
  }

  /** Runs statements on a connection of its own; resolves with the version of the server. */
  async #ask(name: string, statements: readonly string[], timeoutMs?: number): Promise<string> {
    const { Client } = (await import('pg')).default
    const config = clientConfig({ ...this.connection, database: name }, 'cordon supervisor')
    const client = new Client(timeoutMs === undefined ? config : { ...config, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs })
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

  /** Looks after a server that runs: its log stays bounded, and one that hangs is replaced. */
  async #look(timeoutMs: number): Promise<void> {
    const postmaster = this.#postmaster
    if (postmaster === undefined || hasExited(postmaster) || this.#stopping !== undefined) return
    await limitServerLog(this.#parts.place.logFile).catch(() => undefined)
    const isAnswered = await this.#ask(database, [], timeoutMs).then(
      () => true,
      // Any other refusal is an answer.
      (error: unknown) => !(error instanceof Error && /timeout/i.test(error.message)),
    )
    this.#unanswered = isAnswered || postmaster !== this.#postmaster ? 0 : this.#unanswered + 1
    if (this.#unanswered < maxUnanswered || hasExited(postmaster) || this.#stopping !== undefined) return
    this.#unanswered = 0
    this.#options.logger?.error({ pid: postmaster.pid }, 'The database server does not answer; killing it')
    postmaster.child.kill('SIGKILL')
  }

  #onProcessExit({ child, pid }: Postmaster): void {
    this.#options.reaper.unwatch(pid)
    if (this.#stopping !== undefined) return
    const exit: ServerExit = { exitCode: child.exitCode, signal: child.signalCode }
    if (performance.now() - this.#startedAt > provenAfterMs) this.#ends = 0
    this.#ends++
    this.#lastEnd = exit.signal === null ? `it ended with exit code ${exit.exitCode}` : `it was ended by ${exit.signal}`
    this.#options.logger?.error({ ...exit }, 'The database server died; starting it again')
    this.#restart = this.#startAgain()
    for (const listener of this.#listeners) listener(exit)
  }

  async #startAgain(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const delayMs = this.#ends < 2 ? 0 : Math.min(firstRestartDelayMs * 2 ** (this.#ends - 2), maxRestartDelayMs)
      try {
        await delay(delayMs, undefined, { signal: this.#stop.signal })
        await killBackends(this.#parts.place.cluster)
        await this.#startProcess()
        this.#options.logger?.info({ pid: this.pid }, 'The database server runs again')
        return
      } catch (error) {
        if (this.#stop.signal.aborted) return
        const { message } = toPlatformError(error, 'STORE_UNAVAILABLE', 'start the database server again')
        this.#ends++
        this.#lastEnd = message
        this.#options.logger?.error({ ends: this.#ends }, message)
      }
    }
  }

  /** Why waiting for the server is of no use at this moment. */
  #outage(): PlatformError | undefined {
    if (this.#ends < endsOfOutage || (this.#postmaster !== undefined && !hasExited(this.#postmaster))) return undefined
    return new PlatformError(
      'STORE_UNAVAILABLE',
      `Cannot use the embedded database: it ended ${this.#ends} times in a row, last: ${this.#lastEnd}. ` +
        `Remove the cause ("cordon db logs" shows what the server says); it is tried again every ${maxRestartDelayMs / 1000} s`,
      { details: { ends: this.#ends } },
    )
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
    clearInterval(this.#watch)
    this.#stop.abort()
    await this.#restart
    const postmaster = this.#postmaster
    if (postmaster !== undefined && !hasExited(postmaster)) {
      // Its end is waited for.
      postmaster.child.ref()
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
