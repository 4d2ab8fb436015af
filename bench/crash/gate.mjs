import { setTimeout as delay } from 'node:timers/promises'

/** Between two looks of those who wait, in milliseconds. */
const lookMs = 10
/** Between two attempts to reach a host that is not there, in milliseconds. */
const unsentMs = 100

/** Lets callers through, holds them while the platform is checked, and knows when none is under way. */
export class Gate {
  isOver = false
  #isOpen = false
  #inside = 0

  open() {
    this.#isOpen = true
  }

  /** Resolves when nobody is under way. */
  async shut() {
    this.#isOpen = false
    while (this.#inside > 0) await delay(lookMs)
  }

  /** Resolves with whether there is another call to make, which `leave` has to follow. Not before `register`, if there is one, is known. */
  async pass(register) {
    const mayPass = () => this.#isOpen && register?.isOpen !== true
    while (!mayPass() && !this.isOver) await delay(lookMs)
    if (this.isOver) return false
    this.#inside += 1
    return true
  }

  /** After a call; where nobody listened the caller waits a moment for the next host. */
  async leave({ kind }) {
    this.#inside -= 1
    if (kind === 'unsent') await delay(unsentMs)
  }
}
