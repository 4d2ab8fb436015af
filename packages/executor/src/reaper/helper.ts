import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SpawnCommand } from '../hardening/hardening.ts'
import type { FromReaper, ToReaper } from './messages.ts'
import { ReapedProcess } from './reaped-process.ts'

const program = fileURLToPath(new URL('./reaper-process.js', import.meta.url))

/** One helper process of a host, as the host holds it, and the processes that it started. */
export class Helper {
  readonly #child: ChildProcess
  readonly #processes = new Map<number, ReapedProcess>()
  readonly #onEnd: () => void
  readonly #isTemporary: boolean
  /** `undefined` when the system refused it. */
  readonly pid: number | undefined
  #lastId = 0
  #isOver = false

  /**
   * Starts it. `onEnd` is called when it is gone, or could not be started; its processes have failed then. Those of a temporary host do not keep it alive.
   *
   * @throws Error of the system when it does not even try
   */
  constructor(onEnd: () => void, isTemporary = false) {
    this.#onEnd = onEnd
    this.#isTemporary = isTemporary
    this.#child = spawnHelper()
    this.pid = this.#child.pid
    this.#letHostEnd()
    const { stdin } = this.#child
    stdin?.on('error', () => undefined)
    if (stdin && 'unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
    this.#child.on('message', (message: FromReaper, handle: unknown) => this.#receive(message, handle))
    this.#child.once('error', (error) => this.#ended(error))
    this.#child.once('exit', () => this.#ended(new Error('the process that starts sandboxes has ended')))
  }

  /** Starts a process. `command` is told the number of its parent. */
  start(command: (parent: number) => SpawnCommand): ReapedProcess {
    const id = ++this.#lastId
    const starter = { kill: () => this.send({ kind: 'kill', id }), hangs: () => void this.#child.kill('SIGKILL'), isTemporary: this.#isTemporary }
    const started = new ReapedProcess(starter)
    this.#processes.set(id, started)
    // Until the process is gone its end is waited for, or that of the helper.
    if (!this.#isTemporary) {
      this.#child.ref()
      this.#child.channel?.ref()
    }
    // Without a number it was refused by the system, and `error` follows.
    if (this.pid !== undefined) this.send({ kind: 'start', id, command: command(this.pid) })
    return started
  }

  /** Sends a message. When the helper is gone it is lost: the end of the helper says the rest. */
  send(message: ToReaper): void {
    // One that the system refused has no channel; `error` follows.
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  /** Ends it without a word about what it watches; resolves when it is gone. */
  async close(): Promise<void> {
    if (this.#isOver || this.pid === undefined) return
    const exited = once(this.#child, 'exit')
    this.#child.ref()
    // It would take the end of the channel for the death of the host.
    this.send({ kind: 'close' })
    await exited
  }

  #receive(message: FromReaper, handle: unknown): void {
    const found = this.#processes.get(message.id)
    if (message.kind === 'started') found?.started(message.pid, message.startTime, handle)
    else if (message.kind === 'flooded') found?.events.emit('flood')
    else {
      this.#forget(message.id)
      if (message.kind === 'ended') found?.ended(message)
      else found?.fail(Object.assign(new Error(message.message), { code: message.code }))
    }
  }

  #forget(id: number): void {
    this.#processes.delete(id)
    if (this.#processes.size === 0) this.#letHostEnd()
  }

  /** A helper without sandboxes is no reason for the host to stay. */
  #letHostEnd(): void {
    this.#child.unref()
    this.#child.channel?.unref()
  }

  #ended(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    const lost = [...this.#processes.values()]
    this.#processes.clear()
    // Before the processes: what they say may lead to new starts, which need a new helper.
    this.#onEnd()
    for (const one of lost) one.fail(error)
  }
}

function spawnHelper(): ChildProcess {
  return spawn(process.execPath, ['--max-old-space-size=64', '--max-semi-space-size=1', program], {
    cwd: '/',
    env: { OPENSSL_CONF: '/dev/null' },
    // Its own session: a Ctrl-C or a kill of the host's group must not take it along.
    detached: true,
    // The first only tells it by its end that the host is gone.
    stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    windowsHide: true,
  })
}
