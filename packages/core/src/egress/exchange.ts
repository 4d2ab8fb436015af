import type { Dispatcher } from 'undici'
import { Answer, type AnswerHead, type Piece } from './answer.ts'
import { redirected } from './redirect.ts'
import { Upload } from './upload.ts'

/** What sends requests. */
export type RequestSender = Pick<Dispatcher, 'dispatch'>

/** A request of a function, checked. */
export interface ExchangeRequest {
  readonly url: URL
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  /** Names of those headers that are meant for this origin only, beside the credentials that every `fetch` knows. */
  readonly ofOrigin: readonly string[]
  /** `undefined` for none, `'stream'` for one that comes piece by piece. */
  readonly body: Uint8Array | 'stream' | undefined
  readonly redirect: 'follow' | 'manual' | 'error'
}

/** What an exchange asks about what it does. */
export interface ExchangeOwner {
  /** @throws PlatformError when nothing may be asked of this host */
  checkUrl(url: URL): void
  /** Hears of every byte of a request body. @throws PlatformError when there are too many */
  onSent(bytes: number): void
  /** Hears of every byte of an answer's body. @throws PlatformError when there are too many */
  onReceived(bytes: number): void
}

/** The answer as the function gets it. */
export interface ExchangeHead extends AnswerHead {
  /** Where it came from in the end. */
  readonly url: string
  readonly isRedirected: boolean
}

/** One request with its redirects. Errors that are no `PlatformError` are those of the network. */
export class Exchange {
  readonly #upload: Upload | undefined
  /** Until it is sent: its body may be large, and the exchange lives as long as the answer is not read. */
  #request: ExchangeRequest | undefined
  readonly #owner: ExchangeOwner
  #answer: Answer | undefined
  #error: Error | undefined

  constructor(request: ExchangeRequest, owner: ExchangeOwner) {
    this.#request = request
    this.#owner = owner
    this.#upload = request.body === 'stream' ? new Upload() : undefined
  }

  /** Sends it, and gives the head of the answer that is meant for the function. */
  async start(agent: RequestSender): Promise<ExchangeHead> {
    const given = this.#request
    if (given === undefined) throw new Error('the request was sent already')
    this.#request = undefined
    let request: ExchangeRequest = given
    for (let count = 0; ; count++) {
      this.#owner.checkUrl(request.url)
      if (request.body instanceof Uint8Array) this.#owner.onSent(request.body.length)
      const answer = this.#send(request, agent)
      const head = await answer.head
      const next = request.redirect === 'manual' ? undefined : redirected(request, head, count)
      if (next === undefined) return { ...head, url: request.url.href, isRedirected: count > 0 }
      answer.abort(new Error('the answer leads elsewhere'))
      request = next
    }
  }

  /** Adds a piece of the request body; resolves when the next may come. */
  async write(bytes: Uint8Array, isLast: boolean): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    this.#owner.onSent(bytes.length)
    await this.#upload?.write(bytes, isLast)
  }

  /** Whether all of the answer has come in. */
  get isComplete(): boolean {
    return this.#answer?.isComplete === true
  }

  /** What of the answer has come in since it was last asked, which may be nothing. */
  take(): Piece {
    return this.#opened().take()
  }

  /** The next piece of the answer. */
  read(): Promise<Piece> {
    return this.#opened().read()
  }

  /** Resolves when the connection is not used any more. */
  async closed(): Promise<void> {
    await this.#answer?.closed
  }

  /** Ends it with an error. */
  abort(error: Error): void {
    this.#error ??= error
    this.#answer?.abort(error)
    this.#upload?.stream.destroy()
  }

  #opened(): Answer {
    if (this.#answer === undefined) throw new Error('the request was not sent')
    return this.#answer
  }

  #send({ url, method, headers, body }: ExchangeRequest, agent: RequestSender): Answer {
    if (this.#error !== undefined) throw this.#error
    const answer = (this.#answer = new Answer((bytes) => this.#owner.onReceived(bytes)))
    agent.dispatch(
      {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: headers.flat(),
        body: body === 'stream' ? (this.#upload?.stream ?? null) : (body ?? null),
      },
      answer,
    )
    return answer
  }
}
