import { PlatformError } from '@cordon/contracts'

/**
 * Bytes of bodies that may be in the memory of this process while the rest of them is on its way, all together: 40 inputs of the default limit. Clients that stop in
 * the middle of large bodies would fill it for the price of a connection each. A single body may be larger.
 */
const maxArrivingBytes = 256_000_000
/** When to try again, in milliseconds. */
const retryAfterMs = 1000

/** The oldest first. */
const arriving = new Set<ArrivingBody>()
let arrivingBytes = 0

/** A body of which a part is in memory. When there are too many, the one that has been on its way for the longest time is given up: those that come at once go on. */
export class ArrivingBody {
  readonly #giveUp: (error: PlatformError) => void
  #bytes = 0

  /** `giveUp` is called at most once, and lets go of what was read. */
  constructor(giveUp: (error: PlatformError) => void) {
    this.#giveUp = giveUp
    arriving.add(this)
  }

  /** Counts what has come; may give up this body or others. */
  add(bytes: number): void {
    if (!arriving.has(this)) return
    this.#bytes += bytes
    arrivingBytes += bytes
    for (const oldest of arriving) {
      if (arrivingBytes <= maxArrivingBytes || arriving.size === 1) return
      oldest.end()
      oldest.#giveUp(tooMany())
    }
  }

  /** It is whole, or nobody waits for it any more. */
  end(): void {
    if (arriving.delete(this)) arrivingBytes -= this.#bytes
  }
}

function tooMany(): PlatformError {
  const message = `Cannot read the request body: bodies that are on their way take ${maxArrivingBytes} bytes of memory, and this one has taken the longest. Try again`
  return new PlatformError('OVERLOADED', message, { details: { scope: 'host', retryAfterMs } })
}
