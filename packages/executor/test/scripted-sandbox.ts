import { EventEmitter } from 'node:events'
import { duplexPair, PassThrough, type Duplex } from 'node:stream'
import type { Executor } from '@cordon/contracts'
import { createExecutorWith } from '../dist/executor.js'
import { FrameDecoder } from '../dist/frames/decoder.js'
import { resolveExecutorOptions, type ExecutorOptions } from '../dist/options.js'
import { PrintedOutput } from '../dist/sandbox/printed-output.js'
import type { ProcessEvents, SandboxProcess } from '../dist/sandbox/sandbox-process.js'

/** The sandbox end of a channel, played by a test: sends whatever it likes and sees what the host sends. */
export class ScriptedSandbox {
  readonly process: SandboxProcess
  readonly channel: Duplex
  readonly output = new PassThrough()
  /** Types of the frames that the host sent. */
  readonly received: number[] = []
  isKilled = false
  /** Set: it does not end when it is killed, like a process that the kernel has not got round to. */
  isClinging = false
  readonly #events = new EventEmitter<ProcessEvents>()
  #onFrame: () => void = () => undefined

  constructor() {
    const [host, own] = duplexPair({ allowHalfOpen: false })
    this.channel = own
    const decoder = new FrameDecoder({
      refuse: () => undefined,
      frame: (type) => {
        this.received.push(type)
        this.#onFrame()
      },
      violation: () => undefined,
    })
    own.on('data', (chunk: Buffer) => decoder.push(chunk))
    own.on('error', () => undefined)
    const streams = { child: new EventEmitter(), stdout: this.output, stderr: new PassThrough() }
    const printed = new PrintedOutput(streams, () => this.#events.emit('flood'))
    process.nextTick(() => this.#events.emit('start', host, undefined))
    this.process = {
      events: this.#events,
      get printed() {
        return printed.text
      },
      kill: () => {
        if (!this.isKilled && !this.isClinging) setImmediate(() => this.end())
        this.isKilled = true
      },
    }
  }

  /** The process is gone. */
  end(): void {
    this.#events.emit('exit', null, 'SIGKILL')
    this.#events.emit('close', null, 'SIGKILL')
  }

  send(...frames: readonly Buffer[]): void {
    this.channel.write(Buffer.concat(frames))
  }

  /** Resolves when the host has sent a frame of this type. */
  async until(type: number): Promise<void> {
    while (!this.received.includes(type)) await new Promise<void>((resolve) => (this.#onFrame = resolve))
  }
}

/** An executor whose sandboxes are played by the test; the latest one is in `sandboxes`. */
export function createScriptedExecutor(options: ExecutorOptions = {}): { executor: Executor; sandboxes: ScriptedSandbox[] } {
  const sandboxes: ScriptedSandbox[] = []
  const executor = createExecutorWith(resolveExecutorOptions({ spares: 0, guardSigusr1: false, ...options }), {
    report: () => ({ level: 'basic', enforced: [], missing: [] }),
    spawn: () => {
      const sandbox = new ScriptedSandbox()
      sandboxes.push(sandbox)
      return sandbox.process
    },
  })
  return { executor, sandboxes }
}

/** Lets everything that is under way in this process arrive. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
