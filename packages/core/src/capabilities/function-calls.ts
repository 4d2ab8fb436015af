import { isRecord, PlatformError, type User } from '@cordon/contracts'
import type { TraceSpan } from '../observe/trace-span.ts'
import { denied, invalidArgument, show } from './refusal.ts'
import { Slots } from './slots.ts'

/** Functions that may wait for each other in one chain of calls, the first included. */
const maxDepth = 8
/** Calls that an invocation and all that it leads to may make of functions. */
const maxCalls = 1000
/** Of those, calls of one invocation that run at once; others wait for their turn. */
const maxAtOnce = 10
/**
 * Longest wait of such a call for a place or a sandbox, in milliseconds. Its caller holds one while it waits: were they all to wait for each other, nobody
 * would get any before the deadlines.
 */
const maxQueueMs = 1000

/** How an invocation came about, when functions called each other: their names, the first one first, and what they may still do together. */
export interface CallChain {
  readonly names: readonly string[]
  /** Id of the invocation that made this call. */
  readonly parentId: string
  /** The span of that invocation. */
  readonly trace: TraceSpan | undefined
  readonly budget: { calls: number }
}

/** A call that a function makes. Times in milliseconds. */
export interface NestedCall {
  readonly user: User | null
  readonly timeoutMs: number
  readonly queueMs: number
  readonly signal: AbortSignal
  readonly chain: CallChain
}

/** Calls a function of the tenant: JSON text in and out. */
export type CallFunction = (name: string, inputJson: string | undefined, call: NestedCall) => Promise<string | undefined>

/** The version that calls others. */
export interface CallingVersion {
  readonly function: string
  readonly stored: { readonly manifest: { readonly functions: readonly string[] } }
}

/** The invocation that calls. */
export interface FunctionCaller {
  readonly version: CallingVersion
  readonly invocationId: string
  readonly user: User | null
  /** How it came about itself; `undefined` when no function called it. */
  readonly chain: CallChain | undefined
  readonly trace?: TraceSpan | undefined
}

/** The calls of functions that one invocation makes. */
export class FunctionCalls {
  readonly #call: CallFunction
  readonly #caller: FunctionCaller
  readonly #chain: CallChain
  readonly #slots = new Slots(maxAtOnce)
  readonly #ending = new AbortController()
  #made = 0

  constructor(call: CallFunction, caller: FunctionCaller) {
    this.#call = call
    this.#caller = caller
    const { version, invocationId, chain, trace } = caller
    this.#chain = { names: [...(chain?.names ?? []), version.function], parentId: invocationId, trace, budget: chain?.budget ?? { calls: 0 } }
  }

  /** Calls that this invocation made itself. */
  get made(): number {
    return this.#made
  }

  /** Calls a function, with `deadline` (milliseconds since 1970) as the latest end. Nothing about the argument is trusted. */
  async invoke(argument: unknown, deadline: number): Promise<string | undefined> {
    const { name, inputJson } = this.#check(argument)
    return this.#slots.run(async () => {
      const leftMs = Math.floor(deadline - Date.now())
      if (this.#ending.signal.aborted || leftMs < 1) throw new PlatformError('CANCELLED', 'Cannot call the function: the invocation is over')
      const queueMs = Math.min(maxQueueMs, Math.floor(leftMs / 2))
      try {
        const { user } = this.#caller
        return await this.#call(name, inputJson, { user, timeoutMs: leftMs, queueMs, signal: this.#ending.signal, chain: this.#chain })
      } catch (thrown) {
        throw asSeenByCaller(thrown, name)
      }
    })
  }

  /** Cancels what still runs. */
  end(): void {
    this.#ending.abort()
  }

  #check(argument: unknown): { readonly name: string; readonly inputJson: string | undefined } {
    const { version } = this.#caller
    const { names, budget } = this.#chain
    if (!isRecord(argument) || typeof argument['name'] !== 'string') throw invalidArgument('functions.invoke', 'the name of a function')
    const { name, inputJson } = argument
    if (inputJson !== undefined && typeof inputJson !== 'string') throw invalidArgument('functions.invoke', 'an input as JSON text')
    if (!version.stored.manifest.functions.includes(name)) {
      throw denied(
        `Cannot call the function ${show(name)}: it is not granted to "${version.function}". Add its name to functions in the config of "${version.function}"`,
      )
    }
    const way = [...names, name].join(' > ')
    if (names.includes(name)) throw denied(`Cannot call the function "${name}": it waits for this very call (${way})`)
    if (names.length >= maxDepth) throw denied(`Cannot call the function "${name}": ${maxDepth} functions wait for each other already (${way})`)
    if (budget.calls >= maxCalls) throw denied(`Cannot call the function "${name}": the invocation has led to ${maxCalls} calls already`)
    budget.calls += 1
    this.#made += 1
    return { name, inputJson }
  }
}

/** A failure as the calling function gets it: without the logs and figures of the other's invocation, which are in its own record. */
function asSeenByCaller(thrown: unknown, name: string): unknown {
  if (!(thrown instanceof PlatformError)) return thrown
  const { outcome, ...details } = thrown.details
  const id = isRecord(outcome) ? { invocationId: outcome['invocationId'] } : {}
  return new PlatformError(thrown.code, thrown.message, { details: { ...details, function: name, ...id }, cause: thrown })
}
