import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { SpawnCommand } from './hardening.ts'

/** The part of a `ChildProcess` that says how it goes. */
export interface ChildEvents {
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
  once(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
  once(event: 'exit' | 'close', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown
}

/** A started process: its own process group, a duplex channel on descriptor 3, and its standard output and error. */
export interface SpawnedProcess {
  readonly child: EventEmitter & ChildEvents
  /** `undefined` when it could not be started: `child` then emits `error`. */
  readonly pid: number | undefined
  readonly channel: Socket
  readonly stdout: Readable
  readonly stderr: Readable
  /** Ends it now, with everything it started. Does nothing when it is gone. */
  kill(): void
}

/**
 * Starts a process with nothing of the host's: literal environment, `/` as working directory, its own session, no
 * descriptor but 0 to 3. Never throws: a process that cannot be started emits `error`.
 */
export function spawnProcess(command: SpawnCommand): SpawnedProcess {
  try {
    return hold(start(command))
  } catch (error) {
    return failedProcess(error)
  }
}

function start(command: SpawnCommand): ChildProcess {
  return spawn(command.file, command.arguments, {
    cwd: '/',
    env: { ...command.environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    windowsHide: true,
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
  })
}

function hold(child: ChildProcess): SpawnedProcess {
  const { pid } = child
  let isReaped = false
  child.once('exit', () => (isReaped = true))
  // Node would keep them, and with them the text of the runtime, as long as the process lives.
  Object.assign(child, { spawnargs: [] })
  // Without descriptors for them there are no streams at all, whatever the type says; `error` follows.
  const stdio: ChildProcess['stdio'] | undefined = child.stdio
  // With 'pipe' Node makes descriptor 3 a socket pair; its type only knows a generic stream.
  const channel = (stdio?.[3] as Socket | undefined) ?? new Socket()
  const stdout = (stdio?.[1] as Readable) ?? Readable.from([])
  const stderr = (stdio?.[2] as Readable) ?? Readable.from([])
  if (pid === undefined) for (const stream of [channel, stdout, stderr]) stream.on('error', () => undefined).destroy()
  return {
    child,
    pid,
    channel,
    stdout,
    stderr,
    kill() {
      if (pid === undefined) return
      // The group first: it outlives its leader. After the leader was reaped its number may be somebody else's.
      try {
        if (!isReaped && process.platform !== 'win32') process.kill(-pid, 'SIGKILL')
      } catch {
        // The group is gone already, or was never made because the spawn failed half-way.
      }
      if (!isReaped) child.kill('SIGKILL')
    },
  }
}

/** Stands for a process that could not be started, in the form of one that says so a moment later. */
function failedProcess(error: unknown): SpawnedProcess {
  const child = new EventEmitter()
  process.nextTick(() => child.emit('error', error instanceof Error ? error : new Error(String(error))))
  return { child, pid: undefined, channel: new Socket(), stdout: Readable.from([]), stderr: Readable.from([]), kill: () => undefined }
}
