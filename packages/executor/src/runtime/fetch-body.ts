import type { Call } from './call.ts'
import { callHost } from './host-call.ts'
import { base64Slice, bytesLength, NativeError, NativePromise, NativeUint8Array } from './primordials.ts'

/** Most bytes of a body that are sent with the head of its request. */
const maxInlineBytes = 1_048_576
/** Bytes of a body that are sent at a time. */
const pieceBytes = 65_536
const nextTurn = setImmediate

type Reader = ReadableStreamDefaultReader<Uint8Array>

/** A request body, as far as it was there at once. */
export interface GatheredBody {
  /** What the host hears of it with the head. */
  readonly argument: { readonly body: 'stream' | { readonly data: string }; readonly length?: number }
  readonly chunks: readonly Uint8Array[]
  readonly reader: Reader
  /** A read that is under way. */
  readonly pending: Promise<{ done: boolean; value?: unknown }> | undefined
  readonly isComplete: boolean
}

/**
 * Reads what of a body is there without waiting: texts, bytes and forms are, and are then sent with the head and a length, as servers like it. Others are
 * streamed.
 */
export async function gatherBody(body: ReadableStream<Uint8Array>): Promise<GatheredBody> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const pending = reader.read()
    const result = await NativePromise.race([pending, soon()])
    if (result === undefined) return { argument: { body: 'stream' }, chunks, reader, pending, isComplete: false }
    if (result.done) break
    chunks.push(bytesOf(result.value))
    length += bytesLength(bytesOf(result.value))
    if (length > maxInlineBytes && chunks.length > 1) return { argument: { body: 'stream' }, chunks, reader, pending: undefined, isComplete: false }
  }
  if (length > maxInlineBytes) return { argument: { body: 'stream', length }, chunks, reader, pending: undefined, isComplete: true }
  const all = new NativeUint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += bytesLength(chunk)
  }
  return { argument: { body: { data: base64Slice(all, 0, length) } }, chunks: [], reader, pending: undefined, isComplete: true }
}

/** Sends the rest of a body piece by piece, as fast as the host takes it. Rejects when the body fails; never resolves. */
export async function uploadBody(call: Call, number: number, body: GatheredBody): Promise<never> {
  if (body.argument.body === 'stream') {
    try {
      const pieces = new PiecesAhead(call, number)
      let isWanted = true
      for (const chunk of body.chunks) isWanted &&= await pieces.send(chunk)
      for (let next = body.pending; isWanted && !body.isComplete; next = undefined) {
        const { done, value } = await (next ?? body.reader.read())
        if (done) break
        isWanted = await pieces.send(bytesOf(value))
      }
      isWanted &&= await pieces.taken()
      if (!isWanted) body.reader.cancel(new NativeError('the request is over')).catch(() => undefined)
      await callHost(call, 'fetch.write', { fetch: number, data: '', isLast: true })
    } catch (thrown) {
      body.reader.cancel(thrown).catch(() => undefined)
      if (!call.isOver) await callHost(call, 'fetch.abort', { fetch: number }).catch(() => undefined)
      throw thrown
    }
  }
  return new NativePromise<never>(() => undefined)
}

/** The pieces of a request body on their way to the host: the next is sent while the last is not taken yet, so that two are under way at most. */
class PiecesAhead {
  readonly #call: Call
  readonly #number: number
  #last: Promise<unknown> | undefined

  constructor(call: Call, number: number) {
    this.#call = call
    this.#number = number
  }

  /** Sends a chunk; `false` when the request is over and nobody wants more. */
  async send(chunk: Uint8Array): Promise<boolean> {
    const length = bytesLength(chunk)
    for (let offset = 0; offset < length; offset += pieceBytes) {
      const piece = chunk.subarray(offset, offset + pieceBytes)
      const before = this.#last
      this.#last = callHost(this.#call, 'fetch.write', { fetch: this.#number, data: base64Slice(piece, 0, bytesLength(piece)) })
      // It is looked at with the next piece.
      this.#last.catch(() => undefined)
      if (before !== undefined && (await before) !== true) return false
    }
    return true
  }

  /** Whether the last piece was taken. */
  async taken(): Promise<boolean> {
    return this.#last === undefined || (await this.#last) === true
  }
}

function soon(): Promise<undefined> {
  return new NativePromise((resolve) => nextTurn(() => resolve(undefined)))
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof NativeUint8Array) return value
  throw new NativeError('Cannot send the request body: a chunk is not a Uint8Array')
}
