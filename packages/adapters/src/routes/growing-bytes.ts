/** The smallest room that is made for a body of several chunks: what sockets give at once. */
const firstRoom = 65_536

/**
 * The bytes of a body that comes in chunks, in one piece of memory. A list of the chunks would take almost 200 bytes for each byte of a client that sends one
 * at a time.
 */
export class GrowingBytes {
  #room: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #length = 0

  /** How many there are. */
  get length(): number {
    return this.#length
  }

  add(chunk: Uint8Array<ArrayBuffer>): void {
    const length = this.#length + chunk.byteLength
    // Most bodies are one chunk, which needs no copy.
    if (this.#length === 0) this.#room = chunk
    else {
      if (length > this.#room.byteLength) this.#grow(length)
      this.#room.set(chunk, this.#length)
    }
    this.#length = length
  }

  /** All of them; not to be added to afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#room.subarray(0, this.#length)
  }

  #grow(length: number): void {
    const room = new Uint8Array(Math.max(firstRoom, length, this.#length * 2))
    room.set(this.take())
    this.#room = room
  }
}
