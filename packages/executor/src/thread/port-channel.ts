import { Duplex } from 'node:stream'
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'

/** The host end of a thread's message port as a byte stream, as if it were the pipe of a process. */
export class PortChannel extends Duplex {
  readonly #port: MessagePort

  constructor(port: MessagePort) {
    super()
    this.#port = port
    port.on('message', (memory: ArrayBuffer) => this.push(Buffer.from(memory)))
  }

  /** Hands on what the thread sent before it ended and the event loop has not delivered yet. */
  flush(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port))
      this.push(Buffer.from(next.message as ArrayBuffer))
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // Memory of its own size, which moves to the thread: small buffers are views on a large shared one.
    const memory = new ArrayBuffer(chunk.length)
    new Uint8Array(memory).set(chunk)
    this.#port.postMessage(memory, [memory])
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#port.close()
    done(error)
  }
}
