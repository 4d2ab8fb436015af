import { PlatformError, type ExecutableVersion, type HttpExchange, type HttpInvocation, type HttpResponse, type Outcome } from '@cordon/contracts'
import { encodeBytesFrame, encodeNumberFrame, encodeTextFrame } from '../frames/encoder.ts'
import { bodyWindowBytes, maxBodyFrameBytes, toSandbox, type RequestHead } from '../frames/protocol.ts'
import { Call, type CallOwner } from './call.ts'
import type { Sandbox } from './sandbox.ts'

/** Bytes of a response body that were not read yet: the first `length` of `bytes`. */
interface UnreadChunk {
  readonly bytes: Uint8Array
  length: number
}

/** Memory that short pieces of a body share while they wait to be read. */
const sharedBytes = 16_384

/** A call of an HTTP function: bodies stream both ways, each within its window. */
export class HttpCall extends Call implements HttpExchange {
  readonly kind = 'http'
  readonly response: Promise<HttpResponse>
  readonly outcome: Promise<Outcome>
  readonly #invocation: HttpInvocation
  #resolveResponse: (response: HttpResponse) => void = () => {}
  #rejectResponse: (error: PlatformError) => void = () => {}
  #resolveOutcome: (outcome: Outcome) => void = () => {}
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #sendCredit = bodyWindowBytes
  /** Bytes of the request body that the sandbox has not read from the pipe, whatever credit it gave. */
  #untakenBytes = 0
  #isBodyCancelled = false
  #wakeSender: (() => void) | undefined
  #hasHead = false
  /** Response chunks that were not read yet; the window bounds them. */
  readonly #chunks: UnreadChunk[] = []
  #receiveCredit = bodyWindowBytes
  #unacknowledged = 0
  #bodyState: 'none' | 'open' | 'failed' | 'ended' = 'none'
  #bodyFailure: PlatformError | undefined
  #wakeReader: (() => void) | undefined

  constructor(version: ExecutableVersion, invocation: HttpInvocation, owner: CallOwner) {
    super(version, invocation, owner)
    this.#invocation = invocation
    this.outcome = new Promise((resolve) => (this.#resolveOutcome = resolve))
    this.response = new Promise((resolve, reject) => {
      this.#resolveResponse = resolve
      this.#rejectResponse = reject
    })
    // Whoever only waits for the outcome must not be punished with an unhandled rejection.
    this.response.catch(() => undefined)
  }

  /** What was read of a request body is gone. */
  get isRepeatable(): boolean {
    return this.#invocation.request.body === null
  }

  start(sandbox: Sandbox, deadline: number): void {
    const { invocationId, user, secrets, request, context, capabilities } = this.#invocation
    const { method, url, headers, body } = request
    const head = JSON.stringify({ i: invocationId, u: user, s: secrets, r: context, d: deadline, t: capabilities.traceparent })
    const requestHead: RequestHead = { method, url, headers, hasBody: body !== null }
    sandbox.send(encodeTextFrame(toSandbox.fetch, this.id, `${head}\n${JSON.stringify(requestHead)}`))
    if (body !== null) void this.#sendBody(sandbox, body)
  }

  protected deliver(outcome: Outcome): void {
    if (outcome.kind === 'failure') {
      this.#rejectResponse(outcome.error)
      this.#bodyFailure = outcome.error
    } else if (!this.#hasHead) {
      this.#rejectResponse(new PlatformError('PROTOCOL_VIOLATION', 'Cannot answer the request: the function ended without a response'))
    }
    this.#reader?.cancel().catch(() => undefined)
    this.#wakeSender?.()
    this.#wakeReader?.()
    this.#resolveOutcome(outcome)
  }

  async #sendBody(sandbox: Sandbox, body: ReadableStream<Uint8Array>): Promise<void> {
    try {
      const reader = (this.#reader = body.getReader())
      for (;;) {
        const { done, value } = await reader.read()
        if (this.isSettled) return
        if (done) return sandbox.send(encodeBytesFrame(toSandbox.bodyEnd, this.id))
        for (let offset = 0; offset < value.length;) {
          while ((this.#sendCredit === 0 || this.#untakenBytes >= bodyWindowBytes) && !this.isSettled)
            await new Promise<void>((resolve) => (this.#wakeSender = resolve))
          if (this.isSettled) return
          const size = Math.min(value.length - offset, this.#sendCredit, maxBodyFrameBytes)
          this.#sendCredit -= size
          this.#untakenBytes += size
          sandbox.send(encodeBytesFrame(toSandbox.body, this.id, value.subarray(offset, offset + size)), () => {
            this.#untakenBytes -= size
            this.#wakeSender?.()
          })
          offset += size
        }
      }
    } catch {
      if (!this.isSettled) sandbox.send(encodeTextFrame(toSandbox.bodyError, this.id, 'the request body ended early'))
    }
  }

  /** The sandbox takes more of the request body. Returns what is wrong with that. */
  receiveCredit(bytes: number): string | undefined {
    if (bytes === 0 || this.#invocation.request.body === null) return 'credit for nothing'
    this.#sendCredit += bytes
    if (this.#sendCredit > bodyWindowBytes) return 'more credit than the window'
    this.#wakeSender?.()
    return undefined
  }

  /** The function does not read the rest of the request body. Returns what is wrong with that. */
  receiveBodyCancel(): string | undefined {
    if (this.#isBodyCancelled || this.#invocation.request.body === null) return 'the end of a request body that it does not have'
    this.#isBodyCancelled = true
    this.#reader?.cancel().catch(() => undefined)
    return undefined
  }

  /** Head of the response. Returns what is wrong with it. */
  receiveHead(json: string): string | undefined {
    if (this.#hasHead) return 'a second response head'
    const head = parseHead(json)
    if (head === undefined) return 'a response head that is not one'
    this.#hasHead = true
    this.#bodyState = head.hasBody ? 'open' : 'ended'
    const body = head.hasBody ? this.#createBody() : null
    this.#resolveResponse({ status: head.status, headers: head.headers, body })
    return undefined
  }

  /** A piece of the response body. Returns what is wrong with it. */
  receiveBody(payload: Buffer): string | undefined {
    if (this.#bodyState !== 'open') return 'a piece of a body that is not open'
    if (payload.length === 0) return 'an empty piece of a body'
    this.#receiveCredit -= payload.length
    if (this.#receiveCredit < 0) return 'more of a body than was asked for'
    this.#keep(payload)
    this.#wakeReader?.()
    return undefined
  }

  /** A copy: the payload is a view on memory that holds other frames. Short pieces that nobody waits for share memory, or each would cost the host a hundred bytes more than its credit. */
  #keep(payload: Buffer): void {
    const last = this.#chunks.at(-1)
    if (last === undefined || payload.length > sharedBytes) return void this.#chunks.push({ bytes: new Uint8Array(payload), length: payload.length })
    if (last.length + payload.length <= last.bytes.length) {
      last.bytes.set(payload, last.length)
      last.length += payload.length
      return
    }
    const bytes = new Uint8Array(sharedBytes)
    bytes.set(payload)
    this.#chunks.push({ bytes, length: payload.length })
  }

  /** The rest of the response body will not come. Returns what is wrong with that. */
  receiveBodyError(): string | undefined {
    if (this.#bodyState !== 'open') return 'the failure of a body that is not open'
    // The failure of the call follows, and ends the body.
    this.#bodyState = 'failed'
    return undefined
  }

  /** The response body is complete. Returns what is wrong with that. */
  receiveBodyEnd(): string | undefined {
    if (this.#bodyState !== 'open') return 'the end of a body that is not open'
    this.#bodyState = 'ended'
    this.#wakeReader?.()
    return undefined
  }

  /** Whether the response was sent completely. */
  get isComplete(): boolean {
    return this.#bodyState === 'ended'
  }

  #createBody(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          while (this.#chunks.length === 0 && this.#bodyState !== 'ended' && this.#bodyFailure === undefined) {
            await new Promise<void>((resolve) => (this.#wakeReader = resolve))
          }
          const chunk = this.#chunks.shift()
          if (chunk !== undefined) {
            this.#acknowledge(chunk.length)
            return controller.enqueue(chunk.bytes.subarray(0, chunk.length))
          }
          if (this.#bodyState !== 'ended') controller.error(this.#bodyFailure)
          else controller.close()
        },
        cancel: () => {
          if (!this.isSettled) this.owner.cancelled(this)
        },
      },
      { highWaterMark: 0 },
    )
  }

  #acknowledge(bytes: number): void {
    this.#unacknowledged += bytes
    if (this.#unacknowledged < maxBodyFrameBytes || this.isSettled || this.#bodyState !== 'open') return
    this.#receiveCredit += this.#unacknowledged
    this.sandbox?.send(encodeNumberFrame(toSandbox.credit, this.id, this.#unacknowledged))
    this.#unacknowledged = 0
  }
}

function parseHead(json: string): { status: number; headers: [string, string][]; hasBody: boolean } | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('status' in value) || !('headers' in value) || !('hasBody' in value)) return undefined
  const { status, headers, hasBody } = value
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) return undefined
  if (!Array.isArray(headers) || typeof hasBody !== 'boolean') return undefined
  const checked: [string, string][] = []
  for (const header of headers) {
    if (!Array.isArray(header)) return undefined
    const [name, text]: unknown[] = header
    if (typeof name !== 'string' || typeof text !== 'string' || !isHeaderName.test(name) || !isHeaderValue.test(text)) return undefined
    checked.push([name, text])
  }
  return { status, headers: checked, hasBody }
}

/** A token of RFC 9110, section 5.6.2. */
const isHeaderName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Field content of RFC 9110, section 5.5, with the obsolete upper half that real servers send. */
const isHeaderValue = /^[\t\x20-\x7e\x80-\xff]*$/
