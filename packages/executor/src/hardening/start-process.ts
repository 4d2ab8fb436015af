import { EventEmitter } from 'node:events'
import { PrintedOutput } from '../sandbox/printed-output.ts'
import type { ProcessEvents, SandboxProcess } from '../sandbox/sandbox-process.ts'
import type { SpawnCommand } from './hardening.ts'
import { spawnProcess } from './spawn-process.ts'

/** Starts the process of a sandbox as a child of this one, which holds the host up: see docs/host-survival.md. */
export function startProcess(command: SpawnCommand): SandboxProcess {
  const spawned = spawnProcess(command)
  const { child, pid, channel } = spawned
  const events = new EventEmitter<ProcessEvents>()
  const printed = new PrintedOutput(spawned, () => events.emit('flood'))
  if (pid !== undefined) process.nextTick(() => events.emit('start', channel, pid))
  child.on('error', (error) => events.emit('fail', error))
  child.once('exit', (code, signal) => events.emit('exit', code, signal))
  child.once('close', (code, signal) => events.emit('close', code, signal))
  return {
    events,
    get printed() {
      return printed.text
    },
    kill: () => spawned.kill(),
  }
}
