import timers from 'node:timers'
import { currentCall, type Call } from './call.ts'
import { defineValue, objectFreeze } from './primordials.ts'

/** A timer of Node: `_destroyed` once it has fired for the last time or was cleared. */
interface Timer {
  readonly _destroyed?: boolean
}
type Start = (...values: unknown[]) => Timer

/** Timers of one invocation that are kept before those that are over are sorted out. */
const minKept = 1000

/** Timers that an invocation started, and the number at which the list is sorted out again. */
export interface CallTimers {
  list: Timer[]
  limit: number
}

// Every kind of timer is one of two classes, and each of these takes both.
const { clearTimeout, clearImmediate } = timers

/** Like the function of Node, but what an invocation starts ends with it: it must not act, log or compute while another one runs. */
function endsWithCall(name: 'setTimeout' | 'setInterval' | 'setImmediate'): Start {
  const native = timers[name] as unknown as Start
  function start(...values: unknown[]): Timer {
    const timer = native(...values)
    const call = currentCall()
    if (call !== undefined) keep(call, timer)
    return timer
  }
  for (const symbol of Object.getOwnPropertySymbols(native)) {
    const descriptor = Object.getOwnPropertyDescriptor(native, symbol)
    // What `util.promisify` gives instead.
    if (descriptor !== undefined) Object.defineProperty(start, symbol, descriptor)
  }
  return defineValue(start, 'name', name)
}

function keep(call: Call, timer: Timer): void {
  const kept = (call.timers ??= { list: [], limit: minKept })
  if (kept.list.length >= kept.limit) {
    const list: Timer[] = []
    for (let index = 0; index < kept.list.length; index++) {
      const one = kept.list[index]
      if (one?._destroyed === false) list[list.length] = one
    }
    kept.list = list
    kept.limit = list.length * 2 > minKept ? list.length * 2 : minKept
  }
  kept.list[kept.list.length] = timer
}

/** The invocation is over, and so is everything it wanted to do later. */
export function endTimers({ timers: kept }: Call): void {
  if (kept === undefined) return
  for (let index = 0; index < kept.list.length; index++) {
    const timer = kept.list[index] as NodeJS.Timeout & NodeJS.Immediate
    clearTimeout(timer)
    clearImmediate(timer)
  }
}

/** What functions get instead of the functions of Node with these names, as globals and in `node:timers`. */
export const functionTimers = objectFreeze({
  setTimeout: endsWithCall('setTimeout'),
  setInterval: endsWithCall('setInterval'),
  setImmediate: endsWithCall('setImmediate'),
})

/** `node:timers` of a function. */
export const timersModule = objectFreeze({ ...timers, ...functionTimers })
