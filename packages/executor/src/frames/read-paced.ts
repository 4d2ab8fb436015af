import type { Duplex } from 'node:stream'

/**
 * Bytes of one channel that are taken before everything else has its turn. A sandbox on another core writes as fast as the host reads, and
 * libuv then hands on 2 MiB at once: 10 to 20 ms of scanning, more for a flood of small frames.
 */
const maxBytesAtOnce = 131_072

/** Reads a channel to its end, in portions between which the event loop goes round. */
export function readPaced(channel: Duplex, take: (chunk: Buffer) => void): void {
  let left = maxBytesAtOnce
  channel.on('data', (chunk: Buffer) => {
    take(chunk)
    left -= chunk.length
    if (left > 0) return
    left = maxBytesAtOnce
    channel.pause()
    setImmediate(() => channel.resume())
  })
}
