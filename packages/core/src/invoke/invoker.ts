import {
  PlatformError,
  readGiven,
  toPlatformError,
  type ContextRequest,
  type Executor,
  type FetchOptions,
  type FunctionDatabase,
  type InvocationRecord,
  type InvocationOptions,
  type InvokeJsonResult,
  type InvokeOptions,
  type InvokeResult,
  type JsonInvocation,
  type LogEntry,
  type Measures,
  type NetOptions,
  type Outcome,
  type RecordOptions,
} from '@cordon/contracts'
import { InvocationCapabilities, type BrokerParts } from '../capabilities/broker.ts'
import type { NestedCall } from '../capabilities/function-calls.ts'
import type { RequestSenders } from '../egress/egress.ts'
import { endInvocationSpan, startInvocationSpan } from '../observe/invocation-span.ts'
import type { Meters } from '../observe/meters.ts'
import type { EventHub } from '../platform/events.ts'
import type { LogFeed } from '../records/log-feed.ts'
import type { RecordBuffer } from '../records/record-buffer.ts'
import type { FunctionRegistry, RegisteredFunction, RegisteredVersion } from '../registry/registry.ts'
import { grantedSecrets } from '../secrets/granted-secrets.ts'
import type { Vault } from '../secrets/vault.ts'
import { checkFetchOptions, checkInvokeOptions, contextRequest, noOptions, userOf } from './call-options.ts'
import { httpRequest, httpResponse } from './http.ts'
import { checkJson, givenJson } from './given-json.ts'
import { inputJson } from './input-json.ts'
import { invocationId } from './invocation-id.ts'

/** What calling needs of the platform. */
export interface InvokerParts {
  readonly executor: Executor
  readonly registry: FunctionRegistry
  readonly database: FunctionDatabase
  readonly buffer: RecordBuffer
  readonly feed: LogFeed
  readonly events: EventHub
  readonly meters: Meters
  readonly vault: Vault
  readonly egress: RequestSenders
  readonly net: NetOptions
  /** When records are written. */
  readonly write: RecordOptions['write']
}

/** A call of a JSON function on its way to the executor. */
interface AcceptedCall {
  readonly owner: RegisteredFunction
  readonly version: RegisteredVersion
  readonly id: string
  readonly startedAt: number
  readonly invocation: JsonInvocation & Brokered
}

/** An invocation whose capabilities can say what was used of them. */
interface Brokered {
  readonly capabilities: InvocationCapabilities
}

/** Calls functions. Everything it touches is in memory: the live version, a sandbox, the record buffer. */
export class Invoker {
  readonly #parts: InvokerParts
  readonly #broker: BrokerParts
  #running = 0
  #onIdle: (() => void) | undefined

  constructor(parts: InvokerParts) {
    this.#parts = parts
    this.#broker = {
      database: parts.database,
      egress: parts.egress,
      net: parts.net,
      vault: parts.vault,
      callFunction: async (name, inputJson, call) => {
        const { user, timeoutMs, signal } = call
        const options = { timeoutMs, signal, ...(user === null ? {} : { user }) }
        return (await this.#invokeJson(name, inputJson, options, call)).outputJson
      },
    }
  }

  async invoke<Output>(name: string, input: unknown, options: InvokeOptions = noOptions): Promise<InvokeResult<Output>> {
    const call = readGiven('options', () => this.#accept(name, options, (payloadBytes) => inputJson(input, payloadBytes)))
    const { outputJson, ...result } = await this.#run(call)
    // The caller says what type it expects; what the function declares was checked in its sandbox.
    return { ...result, output: (outputJson === undefined ? undefined : JSON.parse(outputJson)) as Output }
  }

  invokeJson(name: string, input: unknown, options: InvokeOptions = noOptions): Promise<InvokeJsonResult> {
    return this.#invokeJson(name, input, options, undefined)
  }

  async #invokeJson(name: string, input: unknown, options: InvokeOptions, nested: NestedCall | undefined): Promise<InvokeJsonResult> {
    const call = readGiven('options', () => this.#accept(name, options, (payloadBytes) => givenJson(input, payloadBytes), nested))
    // Counted from here on: the platform waits for it when it closes.
    this.#running += 1
    try {
      await checkJson(input)
      return await this.#run(call)
    } finally {
      this.#finish()
    }
  }

  async #run({ owner, version, id, startedAt, invocation }: AcceptedCall): Promise<InvokeJsonResult> {
    this.#running += 1
    trace(version, invocation, invocation.request.headers)
    try {
      const outcome = await this.#parts.executor.invoke(version, invocation)
      if (outcome.kind === 'failure') {
        this.#record(owner, version, invocation, startedAt, outcome, outcome.error)
        // The failure of the call says more than that its record could not be written, of which a warning tells.
        if (this.#parts.write === 'durable') await this.#parts.buffer.written().catch(ignore)
        throw failure(outcome, outcome.error, version, invocation)
      }
      this.#record(owner, version, invocation, startedAt, outcome, undefined)
      if (this.#parts.write === 'durable') await this.#parts.buffer.written()
      const { outputJson, logs } = outcome
      return { invocationId: id, outputJson, version: version.version, logs, ...measuresOf(outcome), used: invocation.capabilities.used }
    } finally {
      this.#finish()
    }
  }

  async fetch(name: string, request: Request, options: FetchOptions = noOptions): Promise<Response> {
    const { executor } = this.#parts
    const { owner, version, id, startedAt, invocation } = readGiven('request', () => this.#acceptHttp(name, request, options))
    trace(version, invocation, invocation.context.headers)
    const exchange = executor.fetch(version, invocation)
    this.#running += 1
    void this.#settle(owner, version, invocation, startedAt, exchange.outcome)
    try {
      return httpResponse(await exchange.response, id)
    } catch (thrown) {
      const error = toPlatformError(thrown, 'SANDBOX_FAILED', `call "${name}"`)
      throw failure(await exchange.outcome, error, version, invocation)
    }
  }

  #accept(name: string, options: InvokeOptions, readInput: (payloadBytes: number) => string | undefined, nested?: NestedCall): AcceptedCall {
    const { registry, vault } = this.#parts
    const owner = registry.get(name)
    if (options !== noOptions) checkInvokeOptions(options, owner.live.limits.payloadBytes)
    const version = options.version === undefined ? owner.live : registry.version(name, options.version)
    const { payloadBytes } = version.limits
    const id = invocationId()
    const { timeoutMs, signal } = options
    const user = userOf(options)
    const invocation = {
      invocationId: id,
      user,
      secrets: grantedSecrets(vault, version),
      timeoutMs,
      queueMs: nested?.queueMs,
      signal,
      capabilities: new InvocationCapabilities(this.#broker, version, { invocationId: id, user, timeoutMs, chain: nested?.chain }),
      inputJson: readInput(payloadBytes),
      request: contextRequest(options.request, payloadBytes),
    }
    return { owner, version, id, startedAt: Date.now(), invocation }
  }

  #acceptHttp(name: string, request: Request, options: FetchOptions) {
    const { registry, vault } = this.#parts
    const owner = registry.get(name)
    if (options !== noOptions) checkFetchOptions(options, owner.live.limits.payloadBytes)
    const version = options.version === undefined ? owner.live : registry.version(name, options.version)
    const { head, context, signal } = httpRequest(request, options, version.limits.payloadBytes)
    const id = invocationId()
    const { timeoutMs } = options
    const user = userOf(options)
    const invocation = {
      invocationId: id,
      user,
      secrets: grantedSecrets(vault, version),
      timeoutMs,
      signal,
      capabilities: new InvocationCapabilities(this.#broker, version, { invocationId: id, user, timeoutMs, chain: undefined }),
      request: head,
      context,
    }
    return { owner, version, id, startedAt: Date.now(), invocation }
  }

  /** Resolves when every call that was accepted has been recorded. */
  async idle(): Promise<void> {
    if (this.#running === 0) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  async #settle(
    owner: RegisteredFunction,
    version: RegisteredVersion,
    invocation: InvocationOptions & Brokered,
    startedAt: number,
    outcome: Promise<Outcome>,
  ): Promise<void> {
    const settled = await outcome
    this.#record(owner, version, invocation, startedAt, settled, settled.kind === 'failure' ? settled.error : undefined)
    this.#finish()
  }

  #finish(): void {
    this.#running -= 1
    if (this.#running === 0) this.#onIdle?.()
  }

  #record(
    owner: RegisteredFunction,
    version: RegisteredVersion,
    { invocationId: id, user, capabilities }: InvocationOptions & Brokered,
    startedAt: number,
    outcome: Outcome,
    error: PlatformError | undefined,
  ): void {
    const { buffer, feed, events, meters, write } = this.#parts
    // Not by a conditional spread: that would cost more than all the rest of this function.
    const success: InvocationRecord = {
      invocationId: id,
      function: version.function,
      version: version.version,
      outcome: error === undefined ? 'success' : error.code,
      startedAt,
      ...measuresOf(outcome),
      droppedLogBytes: outcome.droppedLogBytes,
      used: capabilities.used,
    }
    const { parentId, trace: span } = capabilities
    const ofUser = user === null ? success : { ...success, userId: user.id }
    const ofParent = parentId === undefined ? ofUser : { ...ofUser, parentId }
    const known = span === undefined ? ofParent : { ...ofParent, traceId: span.traceId }
    const record = error === undefined ? known : { ...known, message: error.message }
    meters.invoked(record, error, owner.tally)
    if (span !== undefined) endInvocationSpan(span, record, error)
    if (!owner.isRemoved) {
      if (write !== 'off') buffer.push({ tenant: version.tenant, record, logs: outcome.logs })
      if (outcome.logs.length > 0) feed.publish(record, outcome.logs)
    }
    events.emit('invocation', record)
  }
}

/** Before it is handed to the executor, so that what it waits for is part of it. */
function trace(
  { tenant, function: name, version }: RegisteredVersion,
  invocation: InvocationOptions & Brokered,
  headers: ContextRequest['headers'],
): void {
  const { capabilities, invocationId } = invocation
  capabilities.trace = startInvocationSpan({ tenant, function: name, version, invocationId }, capabilities.parentTrace, headers)
}

function measuresOf({ queueMs, bootMs, loadMs, durationMs, cpuMs, peakMemoryMb, coldStart }: Measures): Measures {
  return { queueMs, bootMs, loadMs, durationMs, cpuMs, peakMemoryMb, coldStart }
}

/** The error of a failed call as the caller gets it: with what became of the invocation. */
function failure(outcome: Outcome, error: PlatformError, version: RegisteredVersion, invocation: InvocationOptions & Brokered): PlatformError {
  const { invocationId, capabilities } = invocation
  const { logs, droppedLogBytes } = outcome
  const kept: readonly LogEntry[] = logs
  return new PlatformError(error.code, error.message, {
    details: {
      ...error.details,
      outcome: { invocationId, version: version.version, ...measuresOf(outcome), used: capabilities.used, logs: kept, droppedLogBytes },
    },
    ...('cause' in error ? { cause: error.cause } : {}),
  })
}

function ignore(): void {}
