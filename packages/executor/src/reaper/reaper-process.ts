/** The helper process of a host: starts its sandboxes, tells how they end, and kills them and what it was told to watch when the host is gone. */
import { rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { SpawnCommand } from '../hardening/hardening.ts'
import { spawnProcess, type SpawnedProcess } from '../hardening/spawn-process.ts'
import { PrintedOutput } from '../sandbox/printed-output.ts'
import type { FromReaper, ToReaper, WatchMessage } from './messages.ts'
import { familiesOf, isSame, startTimeOf } from './proc.ts'

/** The handle behind a socket: moves to the host with a message. */
interface PipeHandle {
  readStop(): void
  close(): void
}

/** Time between the first signal and SIGKILL in milliseconds. */
const graceMs = 500
interface Started {
  readonly spawned: SpawnedProcess
  readonly isAlone: boolean
}

/** A process that is going to be ended, and how that begins. */
type Doomed = Pick<WatchMessage, 'pid' | 'signal'>

/** Processes that were started here and are not gone, by the host's number. Their commands are not kept: each holds the whole runtime. */
const started = new Map<number, Started>()
/** Processes of the host, by their own number. */
const watched = new Map<number, WatchMessage>()
/** Directories that go with the host. */
const removed: string[] = []

// Only the end of the host ends it, and nobody opens its inspector.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined)

process.on('message', receive)
// Not by `disconnect`, which Node leaves out when the host goes while a handle is on its way to it.
process.stdin.on('end', hostIsGone).on('error', hostIsGone).resume()

function receive(message: ToReaper): void {
  if (message.kind === 'start') start(message.id, message.command)
  else if (message.kind === 'kill') started.get(message.id)?.spawned.kill()
  else if (message.kind === 'watch') watched.set(message.pid, message)
  else if (message.kind === 'unwatch') watched.delete(message.pid)
  else if (message.kind === 'remove') removed.push(message.directory)
  else close()
}

function start(id: number, command: SpawnCommand): void {
  const spawned = spawnProcess(command)
  const { child, pid, channel } = spawned
  if (pid === undefined) {
    child.once('error', (error: NodeJS.ErrnoException) => tell({ kind: 'failed', id, code: error.code, message: error.message }))
    return
  }
  child.on('error', () => undefined)
  started.set(id, { spawned, isAlone: command.isAlone === true })
  const printed = new PrintedOutput(spawned, () => tell({ kind: 'flooded', id }))
  child.once('close', (exitCode, signal) => {
    started.delete(id)
    tell({ kind: 'ended', id, exitCode, signal, printed: printed.text })
  })
  const handle = takeHandle(channel)
  // Closed here when it is on its way: the sandbox must see the end of the host's copy, and of no other.
  tell({ kind: 'started', id, pid, startTime: startTimeOf(pid) }, handle, () => handle?.close())
}

/** Takes the handle from its socket, which must not read what the host is to read. */
function takeHandle(socket: Socket): PipeHandle | undefined {
  const holder = socket as Socket & { _handle: PipeHandle | null }
  const handle = holder._handle ?? undefined
  handle?.readStop()
  holder._handle = null
  socket.destroy()
  return handle
}

/** A host that is gone hears nothing any more. */
function tell(message: FromReaper, handle?: PipeHandle, onSent: () => void = () => undefined): void {
  // Node sends the handles of sockets as they are; its types know the sockets only.
  process.send?.(message, handle as Socket | undefined, {}, onSent)
}

/** The host has no use for a reaper any more. What it watches is none of its business then. */
function close(): void {
  for (const { spawned } of started.values()) spawned.kill()
  process.exit(0)
}

/** The host is gone. What it still said is read first. */
function hostIsGone(): void {
  if (process.connected) setImmediate(hostIsGone)
  else reap()
}

function reap(): void {
  const mayHaveStarted: Doomed[] = []
  for (const { spawned, isAlone } of started.values()) {
    const { pid } = spawned
    if (isAlone) spawned.kill()
    else if (pid !== undefined) mayHaveStarted.push({ pid, signal: 'SIGKILL' })
  }
  const doomed = [...mayHaveStarted, ...[...watched.values()].filter(({ pid, startTime }) => isSame(pid, startTime))]
  if (doomed.length === 0) return end()
  // Taken before anything dies: afterwards orphans belong to somebody else.
  const families = familiesOf(doomed.map(({ pid }) => pid))
  let isPatient = false
  for (const [index, { pid, signal }] of doomed.entries()) {
    if (signal === 'SIGKILL') killFamily(pid, families[index] ?? [])
    else {
      isPatient = true
      send(pid, signal)
    }
  }
  setTimeout(
    () => {
      for (const [index, { pid }] of doomed.entries()) killFamily(pid, families[index] ?? [])
      end()
    },
    isPatient ? graceMs : 0,
  )
}

function end(): void {
  for (const directory of removed) {
    try {
      // What was just killed may still write.
      rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
    } catch {
      // It stays: there is nobody left to be told.
    }
  }
  process.exit(0)
}

function killFamily(leader: number, family: readonly number[]): void {
  send(-leader, 'SIGKILL')
  for (const pid of family) send(pid, 'SIGKILL')
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already, or never a group leader.
  }
}
