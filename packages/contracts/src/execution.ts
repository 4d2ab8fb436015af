import type { Bundle } from './analysis.ts'
import type { PlatformError } from './errors/platform-error.ts'
import type { Limits } from './options/limits.ts'
import type { User } from './options/platform-options.ts'
import type { ContextRequest } from './context.ts'
import type { LogEntry, Measures } from './records.ts'

/** What the executor has to know of a version to run it. */
export interface ExecutableVersion {
  readonly tenant: string
  readonly function: string
  readonly version: string
  readonly limits: Limits
  readonly env: Readonly<Record<string, string>>
  /** Gives the code; called on a cold start only. */
  loadBundle(): Promise<Bundle>
}

/**
 * The host side of one invocation's `ctx`: everything a sandbox may ask for. `call` gets a method name and plain data
 * read from the pipe, both hostile, and answers with plain JSON data; a `PlatformError` it throws is rethrown inside
 * the function. `end` is called exactly once, when the invocation is over in any way, and releases what it held.
 */
export interface Capabilities {
  /** Where the invocation belongs in a trace (W3C Trace Context): `ctx.invocation.traceparent`. */
  readonly traceparent?: string | undefined
  /**
   * Called when the invocation leaves the queue, and again, with a later deadline, when the sandbox it was sent to ended before it could begin
   * there. `deadline`: milliseconds since 1970 at which it is killed.
   */
  onDispatch?(deadline: number): void
  call(method: string, argument: unknown): Promise<unknown>
  end(): Promise<void>
}

/** What both kinds of invocation have in common. */
export interface InvocationOptions {
  readonly invocationId: string
  readonly user: User | null
  /** Values of the secrets that the version may read, by name. */
  readonly secrets?: Readonly<Record<string, string>> | undefined
  /** Lowers the version's `timeoutMs`. */
  readonly timeoutMs?: number | undefined
  /** Lowers the version's `queueMs`. */
  readonly queueMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly capabilities: Capabilities
}

/** A call of a JSON function. */
export interface JsonInvocation extends InvocationOptions {
  /** The input as JSON text; `undefined` for no input. */
  readonly inputJson: string | undefined
  readonly request: ContextRequest
}

/** A call of an HTTP function. */
export interface HttpInvocation extends InvocationOptions {
  readonly request: {
    readonly method: string
    /** The URL that the function's own `Request` has (mount prefix stripped). */
    readonly url: string
    readonly headers: readonly (readonly [string, string])[]
    readonly body: ReadableStream<Uint8Array> | null
  }
  /** `ctx.request`. */
  readonly context: ContextRequest
}

interface OutcomeBase extends Measures {
  readonly logs: readonly LogEntry[]
  /** Log bytes that were not kept. */
  readonly droppedLogBytes: number
}

/** What became of an invocation. Failures that sandboxed code could claim about itself are decided by the host. */
export type Outcome =
  | (OutcomeBase & {
      readonly kind: 'success'
      /** JSON text; `undefined` when the handler returned nothing. */ readonly outputJson: string | undefined
    })
  | (OutcomeBase & { readonly kind: 'failure'; readonly error: PlatformError })

/** Head and body of a function's HTTP response. */
export interface HttpResponse {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  /** Errors when the function dies in the middle; cancelling it aborts the invocation. */
  readonly body: ReadableStream<Uint8Array> | null
}

/** A running HTTP invocation. */
export interface HttpExchange {
  /** Resolves with the head as soon as the function has sent it; rejects with the `PlatformError` of the failure. */
  readonly response: Promise<HttpResponse>
  /** Resolves when the invocation is over, body included. Never rejects. */
  readonly outcome: Promise<Outcome>
}

/** The sandbox level in force. */
export interface SandboxReport {
  /** `thread`: isolation 'thread', which is no wall. */
  readonly level: 'launcher' | 'basic' | 'thread'
  readonly enforced: readonly string[]
  /** What this level does not enforce here, and why. */
  readonly missing: readonly { readonly what: string; readonly why: string }[]
}

/** Figures of the executor at this moment. */
export interface ExecutorStats {
  readonly sandbox: SandboxReport
  readonly sandboxes: { readonly total: number; readonly booting: number; readonly spare: number; readonly idle: number; readonly busy: number }
  readonly running: number
  readonly queued: number
  /** Since the start. */
  readonly invocations: number
  readonly coldStarts: number
  readonly killed: number
  /** False while starts of sandboxes fail one after the other. */
  readonly canStart: boolean
}

/** A change in the life of a sandbox, for `platform.on('sandbox')`. */
export interface SandboxEvent {
  /** 0 for a thread. */
  readonly pid: number
  readonly state: 'booting' | 'spare' | 'loading' | 'idle' | 'busy' | 'dead'
  /** Whose function it has, once it has one. */
  readonly tenant?: string
  readonly function?: string
  readonly version?: string
  /** Why it died, decided by the host. */
  readonly reason?: string
}

/** Bundle + payload -> outcome, inside a sandbox. */
export interface Executor {
  /** Runs a JSON function. Never rejects because of what the function does: that is an outcome of kind `failure`. */
  invoke(version: ExecutableVersion, invocation: JsonInvocation): Promise<Outcome>
  /** Runs an HTTP function. */
  fetch(version: ExecutableVersion, invocation: HttpInvocation): HttpExchange
  /** Loads a version into a sandbox before its first call; failures are left to that call. */
  preload(version: ExecutableVersion): Promise<void>
  /** Lets go of the idle sandboxes of a version that is no longer wanted; running invocations finish. */
  retire(version: ExecutableVersion): void
  stats(): ExecutorStats
  /** Finishes what runs, takes nothing new. */
  close(): Promise<void>
  /** Kills everything now. */
  destroy(): Promise<void>
}
