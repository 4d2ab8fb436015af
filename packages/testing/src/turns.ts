import { AsyncLocalStorage } from 'node:async_hooks'

/** Set in what answers in place of the outside world: whoever waits for the answer has a turn, and keeps it. */
const answering = new AsyncLocalStorage<true>()

/** Runs what answers a function. Work that it begins needs no turn: those who have one may all be waiting for such answers. */
export function whileAnswering<T>(work: () => T): T {
  return answering.run(true, work)
}

/** Gives `count` pieces of work their turn at once; others wait, however long. Hundreds of tests may be started at the same moment, and limits of the platform are not theirs. */
export function createTurns(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = count
  return async (work) => {
    if (answering.getStore() === true) return work()
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}
