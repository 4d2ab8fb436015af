import { createHash } from 'node:crypto'
import type { CopiedRows } from './copy-item.ts'

const lineFeed = 0x0a

/**
 * Counts the rows of a table in COPY text format and sums up their hashes: two tables with the same rows in any order have the same sum (a copy
 * need not have the order of the original). The format writes a row as one line, whatever is in it. The sum is that of the MD5 of each row
 * as four numbers of 32 bits; it finds accidents, not forgeries.
 */
export class RowChecksum {
  readonly #sums = new Uint32Array(4)
  #rows = 0
  /** The beginning of a row whose end has not come yet. */
  #started: Uint8Array[] = []

  /** Takes the next bytes, cut anywhere. */
  add(chunk: Uint8Array): void {
    let from = 0
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      this.#row(chunk.subarray(from, end))
      from = end + 1
    }
    // A copy: the bytes may be those of a buffer that is used again.
    if (from < chunk.length) this.#started.push(Uint8Array.from(chunk.subarray(from)))
  }

  #row(end: Uint8Array): void {
    const hash = createHash('md5')
    for (const part of this.#started) hash.update(part)
    this.#started = []
    const digest = hash.update(end).digest()
    for (let at = 0; at < 4; at++) this.#sums[at] = (this.#sums[at] ?? 0) + digest.readUInt32LE(at * 4)
    this.#rows++
  }

  get rows(): number {
    return this.#rows
  }

  /** What was counted up to now. */
  result(): CopiedRows {
    const checksum = Array.from(this.#sums, (sum) => sum.toString(16).padStart(8, '0')).join('')
    return { kind: 'rows', rows: this.#rows, checksum }
  }
}
