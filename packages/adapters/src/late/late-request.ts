import type { LateHeaders } from './late-headers.ts'
import type { Location } from './location.ts'

/** Where the parts of a request come from. */
export interface RequestSource {
  readonly method: string
  readonly headers: LateHeaders
  /** A real request at this URL, with the body and a signal of its own. Called at most once, and not after `read`. */
  make(url: string): Request
  /** The body, when nothing else reads it. @throws PlatformError PAYLOAD_TOO_LARGE, or an Error when the sender stops in the middle */
  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer>>
  /** Aborted at the latest when nobody waits for the response any more. It may live longer than the exchange. */
  signal(): AbortSignal
}

/**
 * A request that becomes a real one when somebody needs more than its line, its headers, its signal and its bytes: those of Node take 40 µs with
 * a body and a signal, as long as the call of a short function. What the code of others gets to see is `realRequest` of it.
 */
export class LateRequest implements Request {
  readonly method: string
  readonly headers: Headers
  /** `url`, parsed. */
  readonly location: Location
  readonly #source: RequestSource
  #real: Request | undefined
  #isRead = false

  constructor(source: RequestSource, location: Location) {
    this.method = source.method
    this.headers = source.headers
    this.location = location
    this.#source = source
  }

  /** The real one. */
  get real(): Request {
    if (this.#isRead) throw new TypeError('Cannot make the request anew: its body was read')
    return (this.#real ??= this.#source.make(this.location.href))
  }

  /** The same request at another URL, in place of this one. */
  at(location: Location): Request {
    return this.#real === undefined ? new LateRequest(this.#source, location) : new Request(location.href, this.#real)
  }

  /** The whole body, unless the real request has it. @throws PlatformError PAYLOAD_TOO_LARGE, or an Error when the sender stops in the middle */
  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> | undefined {
    if (this.#real !== undefined || this.#isRead) return undefined
    this.#isRead = true
    return this.#source.read(maxBytes)
  }

  get url(): string {
    return this.location.href
  }
  get signal(): AbortSignal {
    return this.#real === undefined ? this.#source.signal() : this.#real.signal
  }
  get bodyUsed(): boolean {
    return this.#isRead || this.#real?.bodyUsed === true
  }
  get body(): Request['body'] {
    return this.real.body
  }
  get cache(): Request['cache'] {
    return this.real.cache
  }
  get credentials(): Request['credentials'] {
    return this.real.credentials
  }
  get destination(): Request['destination'] {
    return this.real.destination
  }
  get integrity(): string {
    return this.real.integrity
  }
  get mode(): Request['mode'] {
    return this.real.mode
  }
  get redirect(): Request['redirect'] {
    return this.real.redirect
  }
  get referrer(): string {
    return this.real.referrer
  }
  get referrerPolicy(): Request['referrerPolicy'] {
    return this.real.referrerPolicy
  }
  get keepalive(): boolean {
    return this.real.keepalive
  }
  get duplex(): Request['duplex'] {
    return this.real.duplex
  }
  arrayBuffer(): Promise<ArrayBuffer> {
    return this.real.arrayBuffer()
  }
  blob(): ReturnType<Request['blob']> {
    return this.real.blob()
  }
  formData(): Promise<FormData> {
    return this.real.formData()
  }
  json(): Promise<unknown> {
    return this.real.json()
  }
  text(): Promise<string> {
    return this.real.text()
  }
  clone(): Request {
    return this.real.clone()
  }
}
