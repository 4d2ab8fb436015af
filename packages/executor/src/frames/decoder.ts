import { headerBytes } from './protocol.ts'

/** Receives whole frames. `payload` may be a view on the chunk that was read: copy what has to last. */
export interface FrameReceiver {
  /** What is wrong with a frame of which only the header is known; `undefined`: nothing. Asked before anything is buffered. */
  refuse(type: number, id: number, length: number): string | undefined
  frame(type: number, id: number, payload: Buffer): void
  /** What has come so far of a frame that comes in several chunks, after each of them but the last. */
  part?(type: number, id: number, payload: Buffer): void
  /** The stream is not what the protocol says; the decoder takes nothing more. */
  violation(reason: string): void
}

const noBytes = Buffer.alloc(0)

/**
 * Cuts a byte stream into frames. A frame that lies inside one chunk is handed on without a copy, any other is
 * collected in one buffer of its exact size. Never throws, whatever the bytes are.
 */
export class FrameDecoder {
  readonly #receiver: FrameReceiver
  readonly #header = Buffer.alloc(headerBytes)
  #headerLength = 0
  #type = 0
  #id = 0
  #body: Buffer | undefined
  #bodyLength = 0
  #isStopped = false

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver
  }

  /** No frame is handed on any more. */
  stop(): void {
    this.#isStopped = true
    this.#body = undefined
  }

  push(chunk: Buffer): void {
    let offset = 0
    while (offset < chunk.length && !this.#isStopped) {
      offset = this.#body === undefined ? this.#readHeader(chunk, offset) : this.#readBody(chunk, offset, this.#body)
    }
  }

  #readHeader(chunk: Buffer, start: number): number {
    let source = chunk
    let at = start
    let end = start + headerBytes
    if (this.#headerLength > 0 || chunk.length < end) {
      const taken = Math.min(headerBytes - this.#headerLength, chunk.length - start)
      chunk.copy(this.#header, this.#headerLength, start, start + taken)
      this.#headerLength += taken
      end = start + taken
      if (this.#headerLength < headerBytes) return end
      this.#headerLength = 0
      source = this.#header
      at = 0
    }
    const length = source.readUInt32LE(at)
    const type = source.readUInt8(at + 4)
    const id = source.readUInt32LE(at + 5)
    const wrong = this.#receiver.refuse(type, id, length)
    if (wrong !== undefined) return this.#violate(wrong, chunk)
    if (length === 0) {
      this.#receiver.frame(type, id, noBytes)
    } else if (chunk.length - end >= length) {
      this.#receiver.frame(type, id, chunk.subarray(end, end + length))
      end += length
    } else {
      this.#type = type
      this.#id = id
      this.#body = Buffer.allocUnsafeSlow(length)
      this.#bodyLength = 0
    }
    return end
  }

  #readBody(chunk: Buffer, start: number, body: Buffer): number {
    const taken = Math.min(body.length - this.#bodyLength, chunk.length - start)
    chunk.copy(body, this.#bodyLength, start, start + taken)
    this.#bodyLength += taken
    if (this.#bodyLength === body.length) {
      this.#body = undefined
      this.#receiver.frame(this.#type, this.#id, body)
    } else {
      this.#receiver.part?.(this.#type, this.#id, body.subarray(0, this.#bodyLength))
    }
    return start + taken
  }

  #violate(reason: string, chunk: Buffer): number {
    this.stop()
    this.#receiver.violation(reason)
    return chunk.length
  }
}
