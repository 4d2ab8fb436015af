import type { Duplex } from 'node:stream'
import { maxFramesPerWrite } from '../frames/protocol.ts'

/** Larger frames leave by themselves: copying them together would cost more than the write it saves. */
const maxSharedBytes = 4096

/**
 * The frames on their way to one sandbox. A write costs as much as a short call, so short frames of one turn of the event loop share one: requests
 * come from many sockets, each of which has its own turn of promises and ticks, so they are waited for until all sockets were read.
 */
export class Outbox {
  #channel: Duplex | undefined
  #frames: Buffer[] = []
  #bytes = 0

  /** From now on frames leave through this channel; before, nobody is there to read them. */
  open(channel: Duplex): void {
    this.#channel = channel
  }

  /** Sends a frame now, after those that were collected. `onTaken` is called when the kernel has it, or when it never will. */
  send(frame: Buffer, onTaken?: () => void): void {
    this.#flush()
    if (this.#channel === undefined || this.#channel.destroyed) onTaken?.()
    else this.#channel.write(frame, onTaken)
  }

  /** Sends a frame at the end of this turn of the event loop, together with others. */
  collect(frame: Buffer): void {
    if (frame.length > maxSharedBytes) return this.send(frame)
    if (this.#frames.length === 0) setImmediate(() => this.#flush())
    this.#frames.push(frame)
    this.#bytes += frame.length
    if (this.#frames.length === maxFramesPerWrite) this.#flush()
  }

  #flush(): void {
    if (this.#frames.length === 0) return
    const bytes = Buffer.concat(this.#frames, this.#bytes)
    this.#frames = []
    this.#bytes = 0
    if (this.#channel?.destroyed === false) this.#channel.write(bytes)
  }
}
