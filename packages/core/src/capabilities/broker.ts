import {
  isRecord,
  nothingUsed,
  PlatformError,
  type Capabilities,
  type DatabaseCaller,
  type DatabaseSession,
  type FunctionDatabase,
  type UsedCapabilities,
  type User,
} from '@cordon/contracts'
import { withQuerySpan } from '../observe/query-span.ts'
import type { TraceSpan } from '../observe/trace-span.ts'
import type { RegisteredVersion } from '../registry/registry.ts'
import { databaseMethods, statementsOf } from './database-methods.ts'
import { FunctionCalls, type CallChain, type CallFunction } from './function-calls.ts'
import { denied, invalidArgument, show } from './refusal.ts'
import { Requests, type RequestParts } from './requests.ts'

/** What the host has to give. */
export interface BrokerParts extends RequestParts {
  readonly database: FunctionDatabase
  readonly callFunction: CallFunction
}

/** On whose behalf it is asked for. */
export interface BrokeredCall {
  readonly invocationId: string
  readonly user: User | null
  readonly timeoutMs: number | undefined
  readonly chain: CallChain | undefined
}

/**
 * The host side of one invocation's `ctx`. It trusts neither method name nor argument: both come over the pipe. The
 * database session is opened by the first query, for a version that was granted the database.
 */
export class InvocationCapabilities implements Capabilities {
  readonly #parts: BrokerParts
  readonly #version: RegisteredVersion
  readonly #call: BrokeredCall
  #deadline = 0
  #session: DatabaseSession | undefined
  #functions: FunctionCalls | undefined
  #requests: Requests | undefined
  #queries = 0
  #isEnded = false
  /** The span of the invocation; `undefined` when nobody wants a trace. */
  trace: TraceSpan | undefined

  constructor(parts: BrokerParts, version: RegisteredVersion, call: BrokeredCall) {
    this.#parts = parts
    this.#version = version
    this.#call = call
  }

  onDispatch(deadline: number): void {
    this.#deadline = deadline
  }

  async call(method: string, argument: unknown): Promise<unknown> {
    const run = databaseMethods.get(method)
    if (run !== undefined && !this.#version.stored.manifest.database) {
      throw denied(`Cannot use ctx.db: the database is not granted to "${this.#version.function}". Set database: true in its config`)
    }
    const what = run === undefined ? method.slice(0, 80) : 'ctx.db'
    if (this.#version.isRemoved) throw new PlatformError('CANCELLED', `Cannot use ${what}: "${this.#version.function}" was removed`)
    if (this.#isEnded) throw new PlatformError('CANCELLED', `Cannot use ${what}: the invocation is over`)
    if (!isRecord(argument)) throw invalidArgument(method, 'an object')
    if (run !== undefined) {
      this.#queries += statementsOf(method, argument)
      const session = this.#openSession()
      return this.trace === undefined ? run(session, argument) : withQuerySpan(this.trace, method, argument, () => run(session, argument))
    }
    if (method === 'functions.invoke') return this.#openFunctions().invoke(argument, this.#latestEnd)
    const answer = method.startsWith('fetch.') ? this.#openRequests().call(method, argument) : undefined
    if (answer !== undefined) return answer
    throw denied(`Cannot call ${show(method)}: the platform has no such capability`)
  }

  /** What was used so far. */
  get used(): UsedCapabilities {
    if (this.#session === undefined && this.#functions === undefined && this.#requests === undefined) return nothingUsed
    return { ...nothingUsed, ...this.#requests?.used, functionCalls: this.#functions?.made ?? 0, queries: this.#queries }
  }

  /** The invocation whose function made this call. */
  get parentId(): string | undefined {
    return this.#call.chain?.parentId
  }

  get traceparent(): string | undefined {
    return this.trace?.traceparent
  }

  /** The span of that invocation. */
  get parentTrace(): TraceSpan | undefined {
    return this.#call.chain?.trace
  }

  async end(): Promise<void> {
    this.#isEnded = true
    this.#functions?.end()
    this.#requests?.end()
    await this.#session?.end()
  }

  /** Until the executor has said when it dispatched, the latest moment at which the invocation can end is known. */
  get #latestEnd(): number {
    const { timeoutMs } = this.#version.limits
    return this.#deadline === 0 ? Date.now() + Math.min(timeoutMs, this.#call.timeoutMs ?? timeoutMs) : this.#deadline
  }

  #openSession(): DatabaseSession {
    const { function: name, tenant, version } = this.#version
    const caller: DatabaseCaller = { function: name, version, invocationId: this.#call.invocationId }
    return (this.#session ??= this.#parts.database.session(tenant, this.#latestEnd, caller))
  }

  #openRequests(): Requests {
    return (this.#requests ??= new Requests(this.#parts, this.#version, this.trace))
  }

  #openFunctions(): FunctionCalls {
    return (this.#functions ??= new FunctionCalls(this.#parts.callFunction, { ...this.#call, version: this.#version, trace: this.trace }))
  }
}
