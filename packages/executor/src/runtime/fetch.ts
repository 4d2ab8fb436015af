import { currentCall, type Call } from './call.ts'
import { denied } from './denied.ts'
import { decodeBody } from './fetch-decoding.ts'
import { gatherBody, uploadBody } from './fetch-body.ts'
import { callHost } from './host-call.ts'
import { bytesLength, defineValue, NativeError, NativePromise, NativeUint8Array } from './primordials.ts'

/** What the host says of a request. */
interface Failure {
  readonly failed?: { readonly code: string; readonly message: string }
}
interface Piece extends Failure {
  readonly data: string
  readonly isLast: boolean
}
interface Head extends Piece {
  readonly status: number
  readonly statusText: string
  readonly headers: readonly (readonly [string, string])[]
  readonly url: string
  readonly isRedirected: boolean
}

/** Statuses whose responses have no body (Fetch standard, "null body status"). */
const bodyless: readonly number[] = [101, 103, 204, 205, 304]
/** Bytes of a piece from which on the next is asked for early; asking for one that is not there any more costs as much as a short answer. */
const longPieceBytes = 16_384
const bufferFrom = Buffer.from
let lastNumber = 0

/** The global `fetch`: the host sends the request, if the manifest names where it goes. */
export function fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const call = currentCall()
  if (call === undefined) return NativePromise.reject(denied('Cannot fetch: no invocation is running, and only invocations have rights'))
  return run(call, input, init)
}

async function run(call: Call, input: string | URL | Request, init: RequestInit | undefined): Promise<Response> {
  const request = new Request(input, init)
  request.signal.throwIfAborted()
  const number = ++lastNumber
  const stop = whenAborted(call, number, request)
  const headers: [string, string][] = []
  request.headers.forEach((value, name) => headers.push([name, value]))
  const body = request.body === null ? undefined : await NativePromise.race([gatherBody(request.body), stop.aborted])
  const { method, url, redirect } = request
  const started = callHost(call, 'fetch.start', { fetch: number, url, method, headers, redirect, ...body?.argument })
  const uploaded = body === undefined ? stop.aborted : uploadBody(call, number, body)
  const head = checked((await NativePromise.race([started, uploaded, stop.aborted])) as Head)
  const response = new Response(bodyOf(call, number, head, method, stop), {
    status: head.status,
    statusText: head.statusText,
    headers: [...head.headers.map(([name, value]): [string, string] => [name, value])],
  })
  defineValue(response, 'url', head.url)
  defineValue(response, 'redirected', head.isRedirected)
  defineValue(response, 'type', 'basic')
  return response
}

/** The end of a request that its signal asks for. */
interface Stop {
  /** Never resolves; rejects with the reason. */
  readonly aborted: Promise<never>
  /** Kept as long as the answer is read: its signal follows the one it was given only while the request is there. */
  readonly request: Request
  /** Ends the body of the answer, once there is one. */
  failBody: ((reason: unknown) => void) | undefined
}

function whenAborted(call: Call, number: number, request: Request): Stop {
  const { signal } = request
  let reject: (reason: unknown) => void = () => {}
  const aborted = new NativePromise<never>((_, fail) => (reject = fail))
  aborted.catch(() => undefined)
  const stop: Stop = { aborted, request, failBody: undefined }
  function onAbort(): void {
    abort(call, number)
    reject(signal.reason)
    stop.failBody?.(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return stop
}

function abort(call: Call, number: number): void {
  if (!call.isOver) callHost(call, 'fetch.abort', { fetch: number }).catch(() => undefined)
}

function bodyOf(call: Call, number: number, head: Head, method: string, stop: Stop): ReadableStream<Uint8Array> | null {
  if (bodyless.includes(head.status) || method === 'HEAD') {
    if (!head.isLast) abort(call, number)
    return null
  }
  let next: Piece | undefined = head
  const pieces = new PiecesAhead(call, number)
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        stop.failBody = (reason) => controller.error(reason)
      },
      async pull(controller) {
        for (;;) {
          // Not by a race with `aborted`: that would hold every piece until the last.
          const piece: Piece = next ?? (await pieces.next())
          next = undefined
          const bytes = pieces.take(piece)
          if (bytesLength(bytes) > 0) controller.enqueue(bytes)
          if (piece.isLast) return controller.close()
          if (bytesLength(bytes) > 0) return undefined
        }
      },
      cancel: () => abort(call, number),
    },
    { highWaterMark: 0 },
  )
  return decodeBody(body, head.headers)
}

/** The pieces of an answer, one after the other. When they are long, the next is asked for while one is looked at: two are under way at most. */
class PiecesAhead {
  readonly #call: Call
  readonly #number: number
  #ahead: Promise<Piece> | undefined
  #isLong = false

  constructor(call: Call, number: number) {
    this.#call = call
    this.#number = number
  }

  /** Takes the bytes out of a piece. */
  take({ data }: Piece): Uint8Array {
    const bytes = new NativeUint8Array(bufferFrom(data, 'base64'))
    this.#isLong ||= bytesLength(bytes) >= longPieceBytes
    return bytes
  }

  next(): Promise<Piece> {
    const piece = this.#ahead ?? this.#ask()
    this.#ahead = this.#isLong ? this.#ask() : undefined
    // Nobody may ever look at it: it may have been asked for behind the last one.
    this.#ahead?.catch(() => undefined)
    return piece
  }

  async #ask(): Promise<Piece> {
    return checked((await callHost(this.#call, 'fetch.read', { fetch: this.#number })) as Piece)
  }
}

function checked<T extends Failure>(answer: T): T {
  if (answer.failed === undefined) return answer
  const cause = new NativeError(answer.failed.message)
  defineValue(cause, 'code', answer.failed.code, true)
  throw new TypeError('fetch failed', { cause })
}
