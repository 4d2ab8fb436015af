import { PlatformError } from '@cordon/contracts'

/** A stream of items between which rows of tables travel as bytes, read item by item. */
export class ItemReader<Item> {
  readonly #source: AsyncIterator<Item | Uint8Array>
  /** What came after the rows of a table. */
  #ahead: Item | undefined

  constructor(source: AsyncIterable<Item | Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** The next item; `undefined` at the end. @throws PlatformError INVALID_INPUT when there are rows of no table */
  async next(): Promise<Item | undefined> {
    const item = this.#ahead
    this.#ahead = undefined
    if (item !== undefined) return item
    const { value, done } = await this.#source.next()
    if (done === true) return undefined
    if (value instanceof Uint8Array) throw new PlatformError('INVALID_INPUT', 'Cannot read the copy: it has rows that belong to no table')
    return value
  }

  /** The rows that come next. */
  async *rows(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const { value, done } = await this.#source.next()
      if (done === true) return
      if (!(value instanceof Uint8Array)) {
        this.#ahead = value
        return
      }
      yield value
    }
  }

  /** Ends the source, whatever is left in it. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
