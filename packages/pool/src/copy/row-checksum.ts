import type { CopiedRows } from './copy-item.ts'

const lineFeed = 0x0a
/** Offset basis and prime of the 32-bit FNV hashes (draft-eastlake-fnv). */
const basis = 0x811c9dc5
const prime = 0x01000193

/**
 * Counts the rows of a table in COPY text format and sums up their hashes: two tables with the same rows in any order have the same sum (a copy
 * need not have the order of the original). The format writes a row as one line, whatever is in it. The hash is FNV-1 beside FNV-1a, 64 bits in
 * all: it finds accidents, not forgeries, and takes a tenth of the time of MD5, which costs 3 µs for each row.
 */
export class RowChecksum {
  readonly #sums = new Uint32Array(2)
  #rows = 0
  /** Hashes of the row that has begun. */
  #first = basis
  #second = basis

  /** Takes the next bytes, cut anywhere. */
  add(chunk: Uint8Array): void {
    let first = this.#first
    let second = this.#second
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (byte === lineFeed) {
        this.#sums[0] = (this.#sums[0] ?? 0) + spread(first)
        this.#sums[1] = (this.#sums[1] ?? 0) + spread(second)
        this.#rows++
        first = second = basis
      } else {
        first = Math.imul(first, prime) ^ byte
        second = Math.imul(second ^ byte, prime)
      }
    }
    this.#first = first
    this.#second = second
  }

  /** What was counted up to now. */
  result(): CopiedRows {
    const checksum = Array.from(this.#sums, (sum) => sum.toString(16).padStart(8, '0')).join('')
    return { kind: 'rows', rows: this.#rows, checksum }
  }
}

/** Lets every bit reach every other, so that differences of rows do not cancel out in the sum (the last step of MurmurHash3). */
function spread(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
