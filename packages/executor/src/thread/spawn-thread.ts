import { EventEmitter } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import type { RuntimeSource } from '../hardening/sandbox-command.ts'
import type { ProcessEvents, SandboxProcess } from '../sandbox/sandbox-process.ts'
import type { ThreadStart } from './entry/sandbox-thread.ts'
import { PortChannel } from './port-channel.ts'
import { threadEntry, threadFlags } from './thread-flags.ts'

/** How a process ends that V8 gets no memory for; threads that do are reported the same way. */
const abortedCode = 134

/**
 * Starts a thread that looks like a process to its sandbox. Each has a pool of its own, of one thread that is never
 * replaced: its heap limit is fixed when it starts, and it runs one version until it ends.
 */
export function spawnThread(Pool: typeof Piscina, runtime: RuntimeSource, memoryMb: number): SandboxProcess {
  const { port1, port2 } = new MessageChannel()
  const channel = new PortChannel(port1)
  const events = new EventEmitter<ProcessEvents>()
  const pool = new Pool({
    filename: threadEntry,
    name: 'runSandbox',
    minThreads: 0,
    maxThreads: 1,
    atomics: 'disabled',
    env: {},
    execArgv: threadFlags(),
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  })
  // What it says here the thread says, too.
  pool.on('error', () => undefined)
  const start: ThreadStart = { port: port2, runtime }
  // Asynchronous, so that what `run` throws when the host may start no threads rejects, too.
  async function run(): Promise<void> {
    await pool.run(start, { transferList: [port2] })
  }
  const running = run()
  let printed = ''
  let code = 0
  let isOver = false
  let isKilled = false
  function fail(error: Error & { code?: string }): void {
    if (isOver || isKilled) return
    printed = error.message
    code = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? abortedCode : 1
  }
  const [thread] = pool.threads
  if (thread !== undefined) process.nextTick(() => events.emit('start', channel, undefined))
  thread?.on('error', fail)
  thread?.once('exit', (exitCode) => {
    isOver = true
    channel.flush()
    events.emit('exit', code || exitCode, null)
    events.emit('close', code || exitCode, null)
  })
  running.catch((error: Error) => {
    if (thread !== undefined) return fail(error)
    channel.destroy()
    events.emit('fail', error)
  })
  return {
    events,
    get printed() {
      return printed
    },
    kill() {
      if (thread === undefined || isOver || isKilled) return
      isKilled = true
      // A thread inside a native call ends after it: `close` may come much later, and its sandbox does not wait that long.
      events.emit('exit', null, 'SIGKILL')
      void pool.destroy()
    },
  }
}
