import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PlatformError } from '@cordon/contracts'
import { codeOf, diskFull, fileError } from './file-error.ts'
import type { ServerIdentity } from './identity.ts'
import type { Installation } from './installation.ts'
import type { Place } from './place.ts'
import { limitServerLog, readLogFrom, sizeOfLog } from './server-log.ts'
import { temporarySettings } from './temporary-server.ts'

/** What a postmaster is started with. */
export interface PostmasterOptions {
  readonly installation: Installation
  readonly identity: ServerIdentity
  readonly place: Place
  readonly socketDirectory: string
  /** Called with the process id before anything else can happen. */
  readonly onSpawn: (pid: number) => void
  /** Gives the start up. */
  readonly signal: AbortSignal
  /** Nothing it writes has to last, and it does not keep the host alive. */
  readonly isTemporary: boolean
}

/** A running server process. */
export interface Postmaster {
  readonly child: ChildProcess
  readonly pid: number
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>
}

/** The name of the socket file has this number; nothing listens on TCP. */
export const socketPort = 5432

/** Recovery after a crash replays at most `max_wal_size`; that takes seconds, on a slow disk perhaps a minute. */
const startTimeoutMs = 120_000
/** From the last connection of a failing server to its end; milliseconds, seconds on a busy machine. */
const endMs = 5000

/**
 * Starts the server and waits until `connect` succeeds once.
 *
 * @throws PlatformError STORE_UNAVAILABLE with the server's own reason; whatever `signal` was aborted with
 */
export async function startPostmaster(options: PostmasterOptions, connect: () => Promise<void>): Promise<Postmaster> {
  const { installation, identity, place } = options
  await limitServerLog(place.logFile).catch(() => undefined)
  const logStart = await sizeOfLog(place.logFile)
  const log = await openLog(place.logFile)
  let postmaster: Postmaster
  try {
    const child = spawn(join(installation.bin, 'postgres'), serverArguments(options), {
      ...identity.switchTo,
      cwd: '/',
      // A group of its own: Ctrl-C in a terminal reaches the host, which then stops the server in order.
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { LC_ALL: 'C' },
    })
    const exited = once(child, 'exit').then(() => undefined)
    exited.catch(() => undefined)
    // Without a process there is an 'error' event instead, which `once` turns into a rejection.
    if (child.pid === undefined) await exited
    const pid = child.pid ?? 0
    if (options.isTemporary) child.unref()
    options.onSpawn(pid)
    postmaster = { child, pid, exited }
  } catch (error) {
    throw new PlatformError('STORE_UNAVAILABLE', `Cannot start the embedded database: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  } finally {
    await log.close()
  }
  try {
    await waitUntilReady(postmaster, { connect, describe: () => startError(place, logStart), signal: options.signal })
  } catch (error) {
    if (!hasExited(postmaster)) {
      postmaster.child.kill('SIGQUIT')
      await postmaster.exited
    }
    throw error
  }
  return postmaster
}

async function openLog(logFile: string): Promise<FileHandle> {
  try {
    return await open(logFile, 'a', 0o600)
  } catch (error) {
    throw fileError(error, 'write the log of the embedded database', logFile)
  }
}

interface Waiting {
  readonly connect: () => Promise<void>
  /** Why the server ended. */
  readonly describe: () => Promise<PlatformError>
  readonly signal: AbortSignal
}

async function waitUntilReady(postmaster: Postmaster, { connect, describe, signal }: Waiting): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    signal.throwIfAborted()
    if (hasExited(postmaster)) throw await describe()
    try {
      await connect()
      return
    } catch (error) {
      // ENOENT, ECONNREFUSED: no socket yet; 57P03: it is starting up; the rest is a connection that broke because the server ends.
      const isStarting = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', '57P03'].includes(codeOf(error) ?? '')
      if (!isStarting && !(await endsSoon(postmaster))) {
        throw new PlatformError(
          'STORE_UNAVAILABLE',
          `Cannot start the embedded database: ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        )
      }
    }
    if (performance.now() - startedAt > startTimeoutMs) {
      throw new PlatformError('STORE_UNAVAILABLE', `Cannot start the embedded database: it was not ready after ${startTimeoutMs / 1000} s`)
    }
    await delay(5)
  }
}

/** Whether a server that broke a connection is ending: its end is seen a moment after that of its connections. */
async function endsSoon(postmaster: Postmaster): Promise<boolean> {
  const given = new AbortController()
  await Promise.race([postmaster.exited, delay(endMs, undefined, { signal: given.signal }).catch(() => {})])
  given.abort()
  return hasExited(postmaster)
}

/** Whether the process is gone. */
export function hasExited({ child }: Postmaster): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function startError({ logFile, cluster }: Place, logStart: number): Promise<PlatformError> {
  const text = await readLogFrom(logFile, logStart)
  if (/No space left on device|Disk quota exceeded/.test(text)) return diskFull('start the embedded database', cluster)
  // "The database system is starting up" was an answer to us, not a reason.
  const reason = /(?:FATAL|PANIC): {2}(?!the database system is )(.*)/.exec(text)?.[1] ?? text.trim().split('\n').at(-1) ?? ''
  return new PlatformError(
    'STORE_UNAVAILABLE',
    `Cannot start the embedded database: ${reason === '' ? 'the server ended at once' : reason} (see ${logFile})`,
  )
}

/** Settings of a small server beside an application; on the command line, so neither a file nor ALTER SYSTEM changes them. */
function serverArguments({ installation, place, socketDirectory, isTemporary }: PostmasterOptions): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: '',
    // A list: quoted, because a directory for temporary files may have a comma in its name.
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    port: socketPort,
    max_connections: 100,
    shared_buffers: '16MB',
    max_wal_size: '256MB',
    min_wal_size: '32MB',
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_worker_processes: 4,
    // One process per connection: a cancelled query has no helpers that finish later.
    max_parallel_workers_per_gather: 0,
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Functions raise messages of any other level at will; the log is not theirs to fill.
    log_min_messages: 'fatal',
    log_min_error_statement: 'panic',
    // Backends whose host vanished stop their statement; a recovery flushes the file system once instead of a thousand
    // files one by one (after a crash ready in 440 ms instead of 710 on a busy machine). Linux can.
    ...(process.platform === 'linux' ? { client_connection_check_interval: '1s', recovery_init_sync_method: 'syncfs' } : {}),
    // Three processes less; the option came with 18.
    ...(installation.major >= 18 ? { io_method: 'sync' } : {}),
    ...(isTemporary ? temporarySettings : {}),
  }
  return ['-D', place.cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}
