import { JsonScanner } from '@cordon/contracts'
import { maxJsonDepth } from '../frames/protocol.ts'

/** Bytes of a result before its output: the CPU time. */
const headBytes = 4

/**
 * Checks the output of a result while it arrives: a scan of 6 MB in one go would hold the host up for 25 to 60 ms, a chunk of it
 * takes less than one.
 */
export class OutputScan {
  #scanner: JsonScanner | undefined
  #scanned = headBytes

  /** Takes what there is of a payload; says what is wrong with it as soon as something is. */
  take(payload: Buffer): string | undefined {
    if (payload.length <= this.#scanned) return undefined
    this.#scanner ??= new JsonScanner(maxJsonDepth)
    this.#scanner.push(payload, this.#scanned)
    this.#scanned = payload.length
    return this.#scanner.failure
  }

  /** Takes the rest; says what is wrong with the whole. The next payload starts anew. */
  finish(payload: Buffer): string | undefined {
    this.take(payload)
    const scanner = this.#scanner
    this.#scanner = undefined
    this.#scanned = headBytes
    scanner?.end()
    return scanner?.failure
  }
}
