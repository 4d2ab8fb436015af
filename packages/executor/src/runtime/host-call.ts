import { maxHostCalls, maxHostCallBytes, maxHostCallBytesAtOnce, toHost } from '../frames/protocol.ts'
import type { Call } from './call.ts'
import { getUint32, sendNumberAndText, textFrom } from './channel.ts'
import {
  defineValue,
  jsonParse,
  jsonStringify,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  NativeError,
  NativeMap,
  NativePromise,
  utf8Length,
  weakMapGet,
  weakMapSet,
} from './primordials.ts'

/** Bytes of the number that goes before the text. */
const numberBytes = 4

interface Pending {
  readonly call: Call
  readonly bytes: number
  isSent: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

const pending = new NativeMap<number, Pending>()
const queue: { number: number; waiting: Pending; text: string }[] = []
let queueStart = 0
/** Which host call an error came from, so that the host can say on its own authority why an invocation failed. */
const origins = new WeakMap<object, number>()
let lastNumber = 0
/** Calls that were sent and not answered, and their bytes. */
let running = 0
let runningBytes = 0

/** Asks the host for something on behalf of an invocation. */
export function callHost(call: Call, method: string, argument: unknown): Promise<unknown> {
  return new NativePromise((resolve, reject) => {
    if (call.isOver) return reject(new NativeError(`Cannot call ${method}: the invocation it belongs to is over`))
    const text = `${method}\n${jsonStringify(argument) ?? 'null'}`
    const bytes = utf8Length(text) + numberBytes
    if (bytes > maxHostCallBytes) return reject(new NativeError(`Cannot call ${method}: its arguments exceed ${maxHostCallBytes} bytes`))
    const number = ++lastNumber
    const waiting: Pending = { call, bytes, isSent: false, resolve, reject }
    mapSet(pending, number, waiting)
    if (queue.length === 0 && hasRoom(bytes)) send(number, waiting, text)
    else defineValue(queue, queue.length, { number, waiting, text }, true)
  })
}

function hasRoom(bytes: number): boolean {
  return running === 0 || (running < maxHostCalls && runningBytes + bytes <= maxHostCallBytesAtOnce)
}

function send(number: number, waiting: Pending, text: string): void {
  waiting.isSent = true
  running++
  runningBytes += waiting.bytes
  sendNumberAndText(toHost.call, waiting.call.id, number, text)
}

/** Forgets a call that was answered or never will be. */
function forget(number: number, waiting: Pending): void {
  mapDelete(pending, number)
  if (!waiting.isSent) return
  running--
  runningBytes -= waiting.bytes
}

/** A `reply` frame arrived. */
export function receiveReply(payload: Uint8Array): void {
  const number = getUint32(payload, 0)
  const waiting = mapGet(pending, number)
  if (waiting === undefined) return
  forget(number, waiting)
  sendNext()
  const value: unknown = jsonParse(textFrom(payload, 5))
  if (payload[4] === 0) return waiting.resolve(value)
  const error = hostError(value as { code: string; message: string; details?: unknown })
  weakMapSet(origins, error, number)
  waiting.reject(error)
}

function sendNext(): void {
  while (queueStart < queue.length) {
    const next = queue[queueStart]
    const isOver = next === undefined || next.waiting.call.isOver
    if (!isOver && !hasRoom(next.waiting.bytes)) return
    queueStart++
    if (queueStart === queue.length) {
      queue.length = 0
      queueStart = 0
    }
    if (!isOver) send(next.number, next.waiting, next.text)
  }
}

function hostError(value: { code: string; message: string; details?: unknown }): Error {
  const error = new NativeError(value.message)
  defineValue(error, 'name', 'PlatformError')
  defineValue(error, 'code', value.code, true)
  defineValue(error, 'details', value.details ?? {}, true)
  return error
}

/** The invocation is over: what it still waits for will never be answered. */
export function dropHostCalls(call: Call): void {
  mapForEach(pending, (waiting, number) => {
    if (waiting.call !== call) return
    forget(number, waiting)
    waiting.reject(new NativeError('Cannot finish the call: the invocation it belongs to is over'))
  })
  sendNext()
}

/** Number of the host call that an error came from; 0 when it is the function's own. */
export function originOf(thrown: unknown): number {
  return typeof thrown === 'object' && thrown !== null ? (weakMapGet(origins, thrown) ?? 0) : 0
}
