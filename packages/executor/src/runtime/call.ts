import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { CallHead } from '../frames/protocol.ts'
import type { CallTimers } from './timers.ts'
import { jsonParse, mapSize, NativeMap, uncurryThis } from './primordials.ts'

/** One invocation that runs in this sandbox. */
export interface Call {
  readonly id: number
  readonly headJson: string
  /** The parsed head, once it was needed. */
  head: CallHead | undefined
  isOver: boolean
  abort: AbortController | undefined
  isCancelled: boolean
  readonly logs: { budget: number; filledAt: number; tail: string[][]; tailBytes: number; droppedBytes: number }
  waiting: Promise<unknown>[] | undefined
  timers: CallTimers | undefined
}

/** Invocations that are not over, by number. */
export const calls = new NativeMap<number, Call>()

const storage = new AsyncLocalStorage<Call>()
let isShared = false
/** Calls whose end is not written yet. */
let ending = 0
let hasServed = false
let only: Call | undefined

/** Says whether several invocations may run here at once; only then their asynchronous context is tracked. */
export function setShared(value: boolean): void {
  isShared = value
}

/** The invocation on whose behalf the running code runs, as far as that is known. */
export function currentCall(): Call | undefined {
  return isShared ? storageGet() : only
}

const storageGet = storage.getStore.bind(storage)
const storageRun = storage.run.bind(storage)

const scopeOptions = Object.freeze(Object.assign(Object.create(null), { requireManualDestroy: true }))
const runInAsyncScope = uncurryThis(AsyncResource.prototype.runInAsyncScope) as (scope: AsyncResource, run: () => void) => void

/**
 * Runs what a frame asks for in an asynchronous scope of its own. Up to Node 22 an AsyncLocalStorage keeps its values on the
 * resource that runs, which would be the handle of the pipe: user code could get hold of it, and values would stay for later invocations.
 */
export function runInOwnScope(run: () => void): void {
  runInAsyncScope(new AsyncResource('FRAME', scopeOptions), run)
}

/** Runs code on behalf of an invocation. */
export function runInCall<T>(call: Call, run: () => T): T {
  only = call
  return isShared ? storageRun(call, run) : run()
}

/** The invocation is over; nothing runs on its behalf any more. */
export function leaveCall(call: Call): void {
  call.isOver = true
  ending++
  if (only === call) only = undefined
}

/** The end of the invocation was written. */
export function callEnded(): void {
  ending--
  hasServed = true
}

/** Whether nothing runs here, and something did whose end was written. */
export function isIdle(): boolean {
  return hasServed && ending === 0 && mapSize(calls) === 0
}

/** Who called, and how. */
export function headOf(call: Call): CallHead {
  return (call.head ??= jsonParse(call.headJson) as CallHead)
}
