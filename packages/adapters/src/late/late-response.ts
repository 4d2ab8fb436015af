import { LateHeaders } from './late-headers.ts'

/** A text that is sent as a whole. */
export interface TextReply {
  readonly text: string
  readonly status?: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * A response with a text for its body that becomes a real one when somebody needs more than status and headers: those of Node make a stream of
 * the text, 15 µs each, which the entries over `node:http` would only take apart again. What others get is `realResponse` of it.
 */
export class LateResponse implements Response {
  readonly status: number
  readonly statusText = ''
  readonly type = 'default'
  readonly url = ''
  readonly redirected = false
  readonly headers: LateHeaders
  readonly #text: string
  #real: Response | undefined

  constructor({ text, status = 200, headers }: TextReply) {
    this.status = status
    this.#text = text
    this.headers = new LateHeaders(headers, () => new Headers(headers))
  }

  /** The real one. */
  get real(): Response {
    return (this.#real ??= new Response(this.#text, { status: this.status, headers: this.headers.real }))
  }

  /** The text, unless the real response has it. */
  get untouched(): string | undefined {
    return this.#real === undefined ? this.#text : undefined
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }
  get bodyUsed(): boolean {
    return this.#real?.bodyUsed === true
  }
  get body(): Response['body'] {
    return this.real.body
  }
  arrayBuffer(): Promise<ArrayBuffer> {
    return this.real.arrayBuffer()
  }
  blob(): ReturnType<Response['blob']> {
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
  clone(): Response {
    return this.real.clone()
  }
}
