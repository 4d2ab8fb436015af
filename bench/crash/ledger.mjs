import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'

/**
 * What was asked of the platform and what it answered, outside of the platform: every line is on the disk before the next step is made. An entry
 * is `begun`, then `acknowledged` (it was told to be done), `refused` (it was told not to be done), `unknown` (no answer, or one that leaves it
 * open) or, decided beforehand, `never` (it must not be there whatever the answer was).
 */
export class Ledger {
  #entries = []
  #file

  constructor(path) {
    this.#file = openSync(path, 'a')
  }

  begin(kind, facts) {
    const entry = { id: this.#entries.length + 1, kind, state: 'begun', ...facts }
    this.#entries.push(entry)
    this.#write(entry)
    return entry
  }

  end(entry, state, facts = {}) {
    Object.assign(entry, { state: entry.isNever ? 'never' : state, ...facts })
    this.#write({ id: entry.id, state: entry.state, ...facts })
  }

  /** Entries of a kind, oldest first. */
  of(kind) {
    return this.#entries.filter((entry) => entry.kind === kind)
  }

  count(kind, state) {
    return this.#entries.filter((entry) => entry.kind === kind && entry.state === state).length
  }

  get kinds() {
    return [...new Set(this.#entries.map(({ kind }) => kind))]
  }

  close() {
    closeSync(this.#file)
  }

  #write(line) {
    writeSync(this.#file, `${JSON.stringify(line)}\n`)
    fdatasyncSync(this.#file)
  }
}
