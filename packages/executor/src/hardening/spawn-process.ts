import { spawn, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { SandboxProcess } from '../sandbox/sandbox-process.ts'
import type { SpawnCommand } from './hardening.ts'

/** A started process: its own process group, a duplex channel on descriptor 3, and its standard output and error. */
export interface SpawnedProcess extends SandboxProcess {
  readonly child: ChildProcess
  readonly channel: Socket
}

/**
 * Starts a process with nothing of the host's: literal environment, `/` as working directory, its own session, no
 * descriptor but 0 to 3.
 */
export function spawnProcess(command: SpawnCommand): SpawnedProcess {
  const child = spawn(command.file, command.arguments, {
    cwd: '/',
    env: { ...command.environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    windowsHide: true,
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
  })
  const { pid } = child
  let isReaped = false
  child.once('exit', () => (isReaped = true))
  return {
    child,
    pid,
    // With 'pipe' Node makes descriptor 3 a socket pair; its type only knows a generic stream.
    channel: child.stdio[3] as Socket,
    stdout: child.stdio[1] as Readable,
    stderr: child.stdio[2] as Readable,
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
