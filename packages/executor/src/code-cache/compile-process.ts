import type { Duplex } from 'node:stream'
import { FrameDecoder, type FrameReceiver } from '../frames/decoder.ts'
import { encodeBytesFrame } from '../frames/encoder.ts'
import { toHost, toSandbox } from '../frames/protocol.ts'
import type { Isolation, SandboxProcess } from '../sandbox/sandbox-process.ts'

/** What making a code cache needs. */
export interface CompileOptions {
  readonly spawn: Isolation['spawn']
}

/** Bytes of a cache that are believed, for each character of code (0.6 were seen) and besides. */
const maxBytesPerCharacter = 4
const maxFixedBytes = 65_536

/** A process that compiles the code of one version and never runs it. What it sends is hostile like everything from a sandbox, and only for others that run this code. */
export class CompileProcess implements FrameReceiver {
  /** V8's code cache; `undefined` when there is none, for whatever reason. */
  readonly cache: Promise<Buffer | undefined>
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>
  readonly #process: SandboxProcess
  readonly #code: string
  readonly #deadline: NodeJS.Timeout
  readonly #decoder = new FrameDecoder(this)
  #channel: Duplex | undefined
  #resolve: (cache: Buffer | undefined) => void = () => undefined

  /** Starts it, for sandboxes of a size in MiB. It is killed after `timeoutMs`. */
  constructor({ spawn }: CompileOptions, code: string, memoryMb: number, timeoutMs: number) {
    this.#code = code
    this.#process = spawn(memoryMb)
    const { events } = this.#process
    this.cache = new Promise((resolve) => (this.#resolve = resolve))
    this.gone = new Promise((resolve) => {
      const ended = () => {
        this.#channel?.destroy()
        this.kill()
        resolve()
      }
      events.once('fail', ended)
      events.once('exit', ended)
    })
    events.once('start', (channel) => this.#started(channel))
    events.once('flood', () => this.kill())
    this.#deadline = setTimeout(() => this.kill(), timeoutMs)
  }

  #started(channel: Duplex): void {
    this.#channel = channel
    channel.on('data', (chunk: Buffer) => this.#decoder.push(chunk))
    // A write to a process that just died; its exit says the rest.
    channel.on('error', () => undefined)
  }

  /** Ends it; there is no cache if it has not come yet. */
  kill(): void {
    this.#finish(undefined)
  }

  refuse(type: number, _id: number, length: number): string | undefined {
    const max = type === toHost.ready ? 4 : type === toHost.compiled ? maxFixedBytes + this.#code.length * maxBytesPerCharacter : -1
    return length > max ? 'something else than a code cache' : undefined
  }

  frame(type: number, _id: number, payload: Buffer): void {
    if (type === toHost.ready) this.#channel?.write(encodeBytesFrame(toSandbox.compile, 0, Buffer.from(this.#code)))
    // A copy: the payload may be a view on a larger chunk.
    else this.#finish(Buffer.from(payload))
  }

  violation(): void {
    this.kill()
  }

  #finish(cache: Buffer | undefined): void {
    clearTimeout(this.#deadline)
    this.#decoder.stop()
    this.#resolve(cache)
    this.#process.kill()
  }
}
