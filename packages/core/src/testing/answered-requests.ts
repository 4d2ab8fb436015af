import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { refusalOf } from '../egress/connector.ts'
import type { RequestSenders } from '../egress/egress.ts'
import type { RequestSender } from '../egress/exchange.ts'

/** Answers a request of a function of `tenant`; what it throws is to the function a failure of the network. */
export type AnswerRequest = (tenant: string, request: Request) => Promise<Response>

/** Most bytes that come at once, as from a connection (Node reads that much). */
const maxPieceBytes = 65_536

/** Stands where the network is: what functions may ask whom is decided before it, as ever. */
export class AnsweredRequests implements RequestSenders {
  readonly #answer: AnswerRequest
  readonly #allowPrivate: readonly string[]

  constructor(answer: AnswerRequest, allowPrivate: readonly string[]) {
    this.#answer = answer
    this.#allowPrivate = allowPrivate
  }

  async agentOf(tenant: string): Promise<RequestSender> {
    return {
      dispatch: (options, handler) => {
        void this.#run(tenant, options, handler)
        return true
      },
    }
  }

  async close(): Promise<void> {}

  async #run(tenant: string, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): Promise<void> {
    const controller = new AnswerController()
    try {
      handler.onRequestStart?.(controller, {})
      const request = requestOf(options, controller.signal)
      const refusal = refusalOf(new URL(request.url), this.#allowPrivate)
      if (refusal !== undefined) throw refusal
      const { status, statusText, headers, body, type } = await Promise.race([this.#answer(tenant, request), controller.whenAborted])
      // What `Response.error()` makes: it stands for a network that failed (Fetch standard).
      if (type === 'error') throw Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })
      const cookies = headers.getSetCookie()
      handler.onResponseStart?.(
        controller,
        status,
        { ...Object.fromEntries(headers), ...(cookies.length > 0 && { 'set-cookie': cookies }) },
        statusText,
      )
      for await (const chunk of body ?? []) {
        const bytes = Buffer.from(chunk)
        for (let from = 0; from < bytes.length; from += maxPieceBytes) {
          await controller.whenReady()
          handler.onResponseData?.(controller, bytes.subarray(from, from + maxPieceBytes))
        }
      }
      await controller.whenReady()
      handler.onResponseEnd?.(controller, {})
    } catch (error) {
      handler.onResponseError?.(controller, error instanceof Error ? error : new Error(String(error)))
    }
  }
}

function requestOf({ origin, path, method, headers, body }: Dispatcher.DispatchOptions, signal: AbortSignal): Request {
  const list = new Headers()
  const flat: readonly unknown[] = Array.isArray(headers) ? headers : []
  for (let index = 0; index + 1 < flat.length; index += 2) list.append(String(flat[index]), String(flat[index + 1]))
  const init = { method, headers: list, signal }
  const url = new URL(path, String(origin))
  if (body instanceof Readable) return new Request(url, { ...init, body: Readable.toWeb(body) as ReadableStream, duplex: 'half' })
  return new Request(url, body instanceof Uint8Array ? { ...init, body: new Uint8Array(body) } : init)
}

/** How whoever asked holds the answer back, or ends it. */
class AnswerController implements Dispatcher.DispatchController {
  readonly #abort = new AbortController()
  readonly whenAborted: Promise<never>
  #paused: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined

  constructor() {
    const { signal } = this.#abort
    this.whenAborted = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    this.whenAborted.catch(() => undefined)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get aborted(): boolean {
    return this.#abort.signal.aborted
  }

  get paused(): boolean {
    return this.#paused !== undefined
  }

  get reason(): Error | null {
    const { reason }: { reason: unknown } = this.#abort.signal
    return reason instanceof Error ? reason : null
  }

  abort(reason: Error): void {
    this.#abort.abort(reason)
  }

  pause(): void {
    if (this.#paused !== undefined) return
    let resolve: () => void = () => {}
    const promise = new Promise<void>((done) => (resolve = done))
    this.#paused = { promise, resolve }
  }

  resume(): void {
    this.#paused?.resolve()
    this.#paused = undefined
  }

  /** Resolves when the next piece may come. @throws what it was ended with */
  async whenReady(): Promise<void> {
    await Promise.race([this.#paused?.promise, this.whenAborted])
    this.#abort.signal.throwIfAborted()
  }
}
