import { setImmediate } from 'node:timers/promises'
import { normaliseHost, PlatformError, reasonOf, type NetOptions, type ResolvedFunctionConfig, type UsedCapabilities } from '@cordon/contracts'
import type { RequestSenders } from '../egress/egress.ts'
import { Exchange, type ExchangeHead, type ExchangeRequest } from '../egress/exchange.ts'
import type { Piece } from '../egress/answer.ts'
import { covers } from '../policy/covers.ts'
import { isBadPort } from '../egress/bad-ports.ts'
import { traceRequest } from '../observe/request-span.ts'
import type { TraceSpan } from '../observe/trace-span.ts'
import { denied, invalidArgument, show } from './refusal.ts'
import { readBytes, readRequest } from './request-argument.ts'
import { withSecretHeaders } from './secret-headers.ts'
import { Slots } from './slots.ts'

type Argument = Readonly<Record<string, unknown>>

/** Pieces of one answer that a sandbox may wait for at once: while it looks at one, the next is on its way. */
const maxReads = 2

/** The version that makes requests. */
export interface RequestingVersion {
  readonly tenant: string
  readonly function: string
  readonly stored: { readonly manifest: { readonly net: readonly string[]; readonly config: Pick<ResolvedFunctionConfig, 'secretHeaders'> } }
}

/** What requests need of the host. */
export interface RequestParts {
  readonly egress: RequestSenders
  readonly net: NetOptions
  /** The secrets of all tenants. */
  readonly vault: { of(tenant: string): ReadonlyMap<string, string> }
}

/** A request that failed on its way: in the function a `TypeError` with this as its cause, as any `fetch` has it. */
interface Failed {
  readonly failed: { readonly code: string; readonly message: string }
}

/** A request that is under way, as the sandbox numbers it. */
interface Open {
  readonly exchange: Exchange
  /** Pieces that the sandbox waits for. */
  reads: number
}

/** The requests that one invocation makes with `fetch`: the host sends them, and passes bodies on in pieces when it is asked for the next. */
export class Requests {
  readonly #parts: RequestParts
  readonly #version: RequestingVersion
  readonly #slots: Slots
  readonly #trace: TraceSpan | undefined
  readonly #open = new Map<number, Open>()
  #made = 0
  #sentBytes = 0
  #receivedBytes = 0
  #isEnded = false

  constructor(parts: RequestParts, version: RequestingVersion, trace?: TraceSpan) {
    this.#trace = trace
    this.#parts = parts
    this.#version = version
    this.#slots = new Slots(parts.net.concurrency)
  }

  get used(): Pick<UsedCapabilities, 'requests' | 'sentBytes' | 'receivedBytes'> {
    return { requests: this.#made, sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes }
  }

  /** What a sandbox can ask for; `undefined` for a method that is none of these. */
  call(method: string, argument: Argument): Promise<unknown> | undefined {
    switch (method) {
      case 'fetch.start':
        return this.#start(argument)
      case 'fetch.write':
        return this.#write(argument)
      case 'fetch.read':
        return this.#read(argument)
      case 'fetch.abort':
        return this.#abort(argument)
      default:
        return undefined
    }
  }

  /** Ends what is still under way. */
  end(): void {
    this.#isEnded = true
    for (const { exchange } of this.#open.values()) exchange.abort(overError())
    this.#open.clear()
  }

  async #start(argument: Argument): Promise<unknown> {
    const number = numberOf('fetch.start', argument)
    if (this.#open.has(number)) throw invalidArgument('fetch.start', 'the number of a request that is not there yet')
    const { requests } = this.#parts.net
    if (this.#made >= requests)
      throw denied(`Cannot fetch: the invocation has made ${requests} requests already, as many as net.requests of the platform allows`)
    const given = readRequest(argument)
    this.#checkUrl(given.url)
    const request = this.#withSecrets(given)
    this.#made += 1
    const traced = this.#trace === undefined ? undefined : traceRequest(this.#trace, request)
    const exchange = new Exchange(traced?.request ?? request, {
      checkUrl: (url) => this.#checkUrl(url),
      onSent: (bytes) => {
        this.#sentBytes += bytes
        this.#checkBytes()
      },
      onReceived: (bytes) => {
        this.#receivedBytes += bytes
        this.#checkBytes()
      },
    })
    const open = { exchange, reads: 0 }
    this.#open.set(number, open)
    return this.#answerOf(number, open, async () => {
      await this.#slots.take()
      try {
        if (this.#isEnded) throw overError()
        const head: ExchangeHead = await exchange.start(await this.#parts.egress.agentOf(this.#version.tenant))
        traced?.answered(head.status)
        // A short answer is there by now, or in a moment, and needs no second question.
        if (!exchange.isComplete) await setImmediate()
        return { ...head, ...this.#piece(number, open, exchange.take()) }
      } catch (thrown) {
        traced?.over(thrown)
        throw thrown
      } finally {
        void exchange.closed().then(() => {
          this.#slots.free()
          traced?.over()
        })
      }
    })
  }

  async #write(argument: Argument): Promise<unknown> {
    const number = numberOf('fetch.write', argument)
    const bytes = readBytes('fetch.write', argument['data'])
    const open = this.#open.get(number)
    // It is over, which the function hears of when it reads.
    if (open === undefined) return false
    return this.#answerOf(number, open, async () => {
      await open.exchange.write(bytes, argument['isLast'] === true)
      return true
    })
  }

  async #read(argument: Argument): Promise<unknown> {
    const number = numberOf('fetch.read', argument)
    const open = this.#open.get(number)
    if (open === undefined || open.reads >= maxReads) throw invalidArgument('fetch.read', 'the number of a request whose answer is not read yet')
    open.reads += 1
    return this.#answerOf(number, open, async () => {
      const piece = await open.exchange.read()
      open.reads -= 1
      return this.#piece(number, open, piece)
    })
  }

  async #abort(argument: Argument): Promise<unknown> {
    const number = numberOf('fetch.abort', argument)
    this.#open.get(number)?.exchange.abort(new Error('the function aborted it'))
    this.#open.delete(number)
    return null
  }

  #piece(number: number, open: Open, { bytes, isLast }: Piece): { readonly data: string; readonly isLast: boolean } {
    if (isLast) this.#forget(number, open)
    return { data: bytes.toString('base64'), isLast }
  }

  /** Does a part of a request; a failure ends it, and one of the network is an answer. */
  async #answerOf(number: number, open: Open, work: () => Promise<unknown>): Promise<unknown> {
    try {
      return await work()
    } catch (thrown) {
      open.exchange.abort(thrown instanceof Error ? thrown : new Error('it failed'))
      this.#forget(number, open)
      if (thrown instanceof PlatformError) throw thrown
      return failed(thrown)
    }
  }

  /** A sandbox may have given the number to another request meanwhile. */
  #forget(number: number, open: Open): void {
    if (this.#open.get(number) === open) this.#open.delete(number)
  }

  #withSecrets(request: ExchangeRequest): ExchangeRequest {
    const { tenant, stored } = this.#version
    const { net, vault } = this.#parts
    return withSecretHeaders(request, {
      declared: stored.manifest.config.secretHeaders,
      values: vault.of(tenant),
      allowPrivate: net.allowPrivate,
    })
  }

  #checkUrl({ protocol, host, hostname, port }: URL): void {
    const name = normaliseHost(host)
    if (isBadPort(port)) throw denied(`Cannot fetch from ${show(host)}: port ${port} is that of another protocol, which no fetch connects to`)
    if (protocol !== 'http:' && protocol !== 'https:') throw denied(`Cannot follow a redirect to "${protocol}": only http: and https: are there`)
    if (name !== undefined && this.#version.stored.manifest.net.some((pattern) => covers(pattern, { kind: 'net', name }))) return
    const { function: own } = this.#version
    throw denied(`Cannot fetch from ${show(name ?? hostname)}: it is not granted to "${own}". Add it to net in the config of "${own}"`)
  }

  #checkBytes(): void {
    const { bytes: most } = this.#parts.net
    if (this.#sentBytes + this.#receivedBytes <= most) return
    throw denied(`Cannot fetch more: the invocation may send and receive ${most} bytes, as net.bytes of the platform says`)
  }
}

function numberOf(method: string, { fetch: number }: Argument): number {
  if (typeof number === 'number' && Number.isSafeInteger(number) && number > 0) return number
  throw invalidArgument(method, 'the number of a request')
}

function failed(thrown: unknown): Failed {
  const code = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : 'ERR_NETWORK'
  return { failed: { code, message: reasonOf(thrown).slice(0, 200) } }
}

function overError(): PlatformError {
  return new PlatformError('CANCELLED', 'Cannot fetch: the invocation is over')
}
