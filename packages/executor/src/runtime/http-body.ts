import { bodyWindowBytes, maxBodyFrameBytes, toHost } from '../frames/protocol.ts'
import type { Call } from './call.ts'
import { sendBytes, sendNumber, sendText } from './channel.ts'
import { bytesLength, mapDelete, mapGet, mapSet, mathMin, NativeError, NativeMap, NativePromise, NativeUint8Array } from './primordials.ts'

/** The body of a request as it comes in. */
interface Incoming {
  controller: ReadableStreamDefaultController<Uint8Array> | undefined
  chunks: Uint8Array[]
  state: 'open' | 'ended' | 'failed'
  reason: string
  wake: (() => void) | undefined
  unacknowledged: number
}

/** The body of a response as it goes out. */
interface Outgoing {
  credit: number
  isCancelled: boolean
  wake: (() => void) | undefined
}

const incoming = new NativeMap<number, Incoming>()
const outgoing = new NativeMap<number, Outgoing>()

/** Body of a request: reading it asks the host for more, so a body that nobody reads costs one window at most. */
export function createRequestBody(call: Call): ReadableStream<Uint8Array> {
  const state: Incoming = { controller: undefined, chunks: [], state: 'open', reason: '', wake: undefined, unacknowledged: 0 }
  mapSet(incoming, call.id, state)
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (state.chunks.length === 0 && state.state === 'open') await new NativePromise<void>((resolve) => (state.wake = resolve))
        const chunk = state.chunks.shift()
        if (chunk !== undefined) {
          acknowledge(call, state, bytesLength(chunk))
          return controller.enqueue(chunk)
        }
        if (state.state === 'failed') controller.error(new NativeError(state.reason))
        else controller.close()
      },
      cancel() {
        if (state.state === 'open' && !call.isOver) sendNumber(toHost.bodyCancel, call.id, 0)
        dropBodies(call)
      },
    },
    { highWaterMark: 0 },
  )
}

function acknowledge(call: Call, state: Incoming, bytes: number): void {
  state.unacknowledged += bytes
  if (state.unacknowledged < maxBodyFrameBytes || call.isOver || state.state !== 'open') return
  sendNumber(toHost.credit, call.id, state.unacknowledged)
  state.unacknowledged = 0
}

/** A piece of a request body arrived. */
export function receiveBody(id: number, payload: Uint8Array): void {
  const state = mapGet(incoming, id)
  // A copy: the payload may be a view on memory that holds other frames.
  if (state !== undefined) {
    state.chunks.push(new NativeUint8Array(payload))
    state.wake?.()
  }
}

/** A request body is complete, or will never be. */
export function receiveBodyEnd(id: number, failure: string | undefined): void {
  const state = mapGet(incoming, id)
  if (state === undefined) return
  state.state = failure === undefined ? 'ended' : 'failed'
  state.reason = failure ?? ''
  state.wake?.()
}

/** The host takes more of a response body. */
export function receiveCredit(id: number, bytes: number): void {
  const state = mapGet(outgoing, id)
  if (state === undefined) return
  state.credit += bytes
  state.wake?.()
}

/** Nobody wants the rest of a response body. */
export function receiveBodyCancel(id: number): void {
  const state = mapGet(outgoing, id)
  if (state === undefined) return
  state.isCancelled = true
  state.wake?.()
}

/** Sends a response body piece by piece, as fast as the host takes it. */
export async function sendResponseBody(call: Call, body: ReadableStream<Uint8Array>): Promise<void> {
  const state: Outgoing = { credit: bodyWindowBytes, isCancelled: false, wake: undefined }
  mapSet(outgoing, call.id, state)
  const reader = body.getReader()
  try {
    while (!state.isCancelled && !call.isOver) {
      const { done, value } = await readUnlessCancelled(reader, state)
      if (done) break
      const chunk = typeof value === 'string' ? Buffer.from(value) : value
      if (!(chunk instanceof NativeUint8Array)) throw new NativeError('Cannot send the response body: a chunk is not a Uint8Array')
      await sendChunk(call, state, chunk)
    }
    if (state.isCancelled) reader.cancel(new NativeError('the caller went away')).catch(() => undefined)
    if (!call.isOver) sendNumber(toHost.bodyEnd, call.id, 0)
  } catch (thrown) {
    if (!call.isOver) sendText(toHost.bodyError, call.id, 'the function failed while it sent the body')
    throw thrown
  } finally {
    mapDelete(outgoing, call.id)
  }
}

async function readUnlessCancelled(reader: ReadableStreamDefaultReader<Uint8Array>, state: Outgoing): Promise<{ done: boolean; value?: unknown }> {
  let stop: (() => void) | undefined
  const cancelled = new NativePromise<{ done: boolean }>((resolve) => (stop = () => state.isCancelled && resolve({ done: true })))
  state.wake = stop
  return NativePromise.race([reader.read(), cancelled])
}

async function sendChunk(call: Call, state: Outgoing, chunk: Uint8Array): Promise<void> {
  const length = bytesLength(chunk)
  let offset = 0
  while (offset < length && !state.isCancelled && !call.isOver) {
    while (state.credit === 0 && !state.isCancelled) await new NativePromise<void>((resolve) => (state.wake = resolve))
    const size = mathMin(length - offset, state.credit, maxBodyFrameBytes)
    if (size === 0) return
    sendBytes(toHost.body, call.id, chunk.subarray(offset, offset + size))
    state.credit -= size
    offset += size
  }
}

/** The invocation is over. */
export function dropBodies(call: Call): void {
  mapDelete(incoming, call.id)
}
