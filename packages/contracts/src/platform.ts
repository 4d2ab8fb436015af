import type { Analysis, Manifest, Schemas } from './analysis.ts'
import type { Capability, CapabilityChange } from './capability.ts'
import type { ExecutorStats, SandboxEvent, SandboxReport } from './execution.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { PlatformError } from './errors/platform-error.ts'
import type { FunctionConfig } from './function-config.ts'
import type { FunctionDatabaseStats, SlowQuery } from './function-database.ts'
import type { ResolvedPlatformOptions, User } from './options/platform-options.ts'
import type { InvocationRecord, LogEntry, LogLevel, Measures, OutcomeKind, Page, StoredLogEntry, UsedCapabilities } from './records.ts'
import type { DeploymentInfo, SecretInfo, TenantExportItem, TenantInfo } from './tenants.ts'
import type { UsageDay, UsageQuery } from './usage.ts'

/** The upload in one of five forms. `archive` holds a .tar.gz or .zip; `path` names a file (source or archive) or a directory. */
export type UploadSource =
  | { readonly source: string }
  | { readonly files: Readonly<Record<string, string | Uint8Array>> }
  | { readonly directory: string }
  | { readonly archive: Uint8Array }
  | { readonly path: string }

/** What is deployed. */
export type Deployment = UploadSource & {
  /** 1 to 63 letters, digits, `-` and `_`, starting with a letter. */
  readonly name: string
  readonly entry?: string | undefined
  /** Replaces keys of the `config` literal in the code. */
  readonly config?: FunctionConfig | undefined
  /** A note kept with the deployment. */
  readonly label?: string | undefined
  /** Who deploys: kept with the deployment. */
  readonly user?: User | undefined
  /**
   * What the version may use beyond what the live one may: a deployment that needs more is refused with the difference in `details.capabilities`, so
   * that somebody can look at it first. @default whatever `allow` lets through
   */
  readonly approved?: readonly Capability[] | undefined
}

/** Result of a deployment. */
export interface DeployResult {
  readonly name: string
  readonly version: string
  /** False when this very content already existed as a version. */
  readonly created: boolean
  /** Warnings. */
  readonly diagnostics: readonly Diagnostic[]
  readonly manifest: Manifest
  /** What the version may use that the one that was live before it might not, and the other way round. */
  readonly capabilities: CapabilityChange
  readonly schemas: Schemas
  /** Names of the files of `migrations/` that this deployment applied, in order. */
  readonly migrations: readonly string[]
}

/** Result of `analyze`. */
export interface AnalyzeResult extends Pick<Analysis, 'ok' | 'diagnostics' | 'manifest' | 'schemas'> {
  /** How it differs from the live version of that name; without a name, or when there is none, all that the manifest grants is added. */
  readonly capabilities: CapabilityChange
}

/** Options of `invoke`. */
export interface InvokeOptions {
  /** @default the live version */
  readonly version?: string | undefined
  readonly request?:
    | {
        readonly method?: string | undefined
        readonly url?: string | undefined
        readonly path?: string | undefined
        readonly query?: Readonly<Record<string, string | readonly string[]>> | undefined
        readonly headers?: Readonly<Record<string, string>> | undefined
      }
    | undefined
  readonly user?: User | undefined
  readonly signal?: AbortSignal | undefined
  /** Lowers the function's own timeout; never raises it. */
  readonly timeoutMs?: number | undefined
}

/** Options of `fetch`. */
export interface FetchOptions extends Omit<InvokeOptions, 'request'> {
  /** What `ctx.request.url` says when it differs from the URL of the request (a stripped mount path). */
  readonly originalUrl?: string | undefined
}

/** Result of `invoke`. A failed call throws a `PlatformError` that has all but the output in `details.outcome`. */
export interface InvokeResult<Output = unknown> extends Measures {
  readonly invocationId: string
  readonly output: Output
  readonly version: string
  readonly logs: readonly LogEntry[]
  readonly used: UsedCapabilities
}

/** Result of `invokeJson`. */
export interface InvokeJsonResult extends Omit<InvokeResult, 'output'> {
  /** The output as JSON text, as the sandbox wrote it; `undefined` when the handler returned nothing. */
  readonly outputJson: string | undefined
}

/** A function as lists show it. */
export interface FunctionInfo {
  readonly name: string
  /** The live version. */
  readonly version: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly manifest: Manifest
}

/** A function with what its live version takes and gives. */
export interface FunctionDetails extends FunctionInfo {
  readonly schemas: Schemas
}

/** A version as lists show it. */
export interface VersionInfo {
  readonly version: string
  readonly live: boolean
  readonly createdAt: number
  readonly label: string | null
  readonly bytes: number
  /** What was approved for it. */
  readonly manifest: Manifest
}

/** Filters of `logs`. */
export interface LogQuery {
  readonly version?: string | undefined
  readonly level?: LogLevel | undefined
  /** Milliseconds since 1970, or a `Date`. */
  readonly since?: number | Date | undefined
  /** Before this time: milliseconds since 1970, or a `Date`. */
  readonly until?: number | Date | undefined
  /** @default 100 */
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** Filters of `invocations`. */
export interface InvocationQuery {
  readonly version?: string | undefined
  readonly outcome?: OutcomeKind | undefined
  readonly since?: number | Date | undefined
  /** Before this time: milliseconds since 1970, or a `Date`. */
  readonly until?: number | Date | undefined
  /** @default 100 */
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** Figures of the platform at this moment. */
export interface PlatformStats extends Omit<ExecutorStats, 'sandbox'> {
  readonly sandbox: SandboxReport
  readonly functions: number
  readonly pool: FunctionDatabaseStats
  readonly records: { readonly buffered: number; readonly dropped: number }
}

/** Whether calls should be sent to this host. */
export interface PlatformHealth {
  /** Every check passes. */
  readonly isReady: boolean
  readonly checks: {
    /** It is not closed, nor closing. */
    readonly platform: boolean
    /** The database answers; it is asked once a second at most, and has 800 ms. */
    readonly database: boolean
    /** Sandboxes can be started. */
    readonly sandboxes: boolean
  }
}

/** The events of `platform.on`. */
export interface PlatformEvents {
  deployment: {
    readonly name: string
    readonly version: string
    readonly kind: 'deploy' | 'rollback' | 'remove'
    /** What became and ceased to be granted. */
    readonly capabilities: CapabilityChange
  }
  invocation: InvocationRecord
  sandbox: SandboxEvent
  slowQuery: SlowQuery
  /** Of the host as a whole; `tenant` when it is about one. */
  warning: { readonly message: string; readonly error?: PlatformError; readonly tenant?: string }
}

/** The platform. Safe to use from many places at once. */
export interface Platform extends AsyncDisposable {
  /** The resolved options, frozen. */
  readonly options: Readonly<ResolvedPlatformOptions>
  /** @throws PlatformError DEPLOYMENT_REJECTED with `details.diagnostics`, ANALYSIS_LIMIT, INVALID_OPTION, STORE_UNAVAILABLE, CLOSED */
  deploy(deployment: Deployment): Promise<DeployResult>
  /** What `deploy` would say, without deploying. Bad code does not reject. */
  analyze(deployment: UploadSource & Omit<Deployment, 'name'> & { readonly name?: string }): Promise<AnalyzeResult>
  /** Calls a JSON function. */
  invoke<Input = unknown, Output = unknown>(name: string, input?: Input, options?: InvokeOptions): Promise<InvokeResult<Output>>
  /**
   * Calls a JSON function with JSON text (UTF-8 when it is bytes; empty: no input) and gives its output as JSON text. Neither is parsed in
   * this process, which makes it the way for whoever passes them on: the time that parsing takes is in the hands of who wrote them.
   *
   * @throws PlatformError INVALID_INPUT for what is not JSON or nests deeper than 200 levels, and all that `invoke` throws
   */
  invokeJson(name: string, inputJson?: string | Uint8Array, options?: InvokeOptions): Promise<InvokeJsonResult>
  /** Calls an HTTP function. The id of the invocation is in the header `x-cordon-invocation-id` of the response. */
  fetch(name: string, request: Request, options?: FetchOptions): Promise<Response>
  readonly functions: {
    list(): Promise<readonly FunctionInfo[]>
    get(name: string): Promise<FunctionDetails>
    versions(name: string): Promise<readonly VersionInfo[]>
    /** What was live when, who made it so and what it was granted; the newest 1000, newest first. */
    deployments(name: string): Promise<readonly DeploymentInfo[]>
    /** Makes an older version live. @default version the previous live one */
    rollback(
      name: string,
      version?: string,
      options?: { readonly user?: User | undefined },
    ): Promise<{ readonly name: string; readonly version: string }>
    remove(name: string): Promise<void>
  }
  /** Values for `ctx.secrets`, sealed in the database with a key that is not in it. They can be set and removed, not read. */
  readonly secrets: {
    /** Sets or replaces a value of at most 65536 characters. @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE, CLOSED */
    set(name: string, value: string): Promise<void>
    /** By name. */
    list(): Promise<readonly SecretInfo[]>
    remove(name: string): Promise<void>
  }
  logs(
    name: string | undefined,
    query: LogQuery & { readonly follow: true; readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<StoredLogEntry>
  logs(name?: string, query?: LogQuery & { readonly follow?: false | undefined }): Promise<Page<StoredLogEntry>>
  invocations(name?: string, query?: InvocationQuery): Promise<Page<InvocationRecord>>
  /** What the functions used, or one of them, by day, newest first. @throws PlatformError INVALID_OPTION, STORE_UNAVAILABLE, CLOSED */
  usage(name?: string, query?: UsageQuery): Promise<readonly UsageDay[]>
  /**
   * The same interface, scoped to a tenant: functions, logs, usage and database of its own. A tenant begins with the first thing it has.
   * Closing the result ends its listeners and followers, and nothing else; from it, no other tenant can be reached, and what its options,
   * figures and events say of other tenants is left out. Of the host it shows sums.
   *
   * @throws PlatformError INVALID_OPTION for what is no id, FORBIDDEN for another tenant than that of a scoped platform
   */
  tenant(id: string): Platform
  /** FORBIDDEN on a platform that is scoped to a tenant. */
  readonly tenants: {
    /** Those that have anything, by id. */
    list(): Promise<readonly TenantInfo[]>
    /** `undefined` for one that has nothing. */
    get(id: string): Promise<TenantInfo | undefined>
    /** Deletes everything of a tenant: functions, records, usage, users, its role and its tables. What still runs of it gets nothing more. */
    remove(id: string): Promise<void>
    /** Everything of a tenant, its function database included, as it is read. Values of secrets are left out. */
    export(id: string): AsyncIterable<TenantExportItem>
  }
  stats(): PlatformStats
  /** Whether calls should be sent to this host. Cheap, however often it is asked; never rejects, also when it is closed. */
  health(): Promise<PlatformHealth>
  /**
   * Figures of the host and of Node in the text format of Prometheus. Not for a platform that is scoped to a tenant.
   *
   * @throws PlatformError FORBIDDEN, CLOSED
   */
  metrics(): Promise<string>
  /** Adds a listener; the returned function removes it. */
  on<E extends keyof PlatformEvents>(event: E, listener: (value: PlatformEvents[E]) => void): () => void
  /** Graceful: finishes what runs, writes the records. Idempotent. */
  close(): Promise<void>
  /** Forceful: kills what runs, writes the records, stops now. Idempotent. */
  destroy(): Promise<void>
}
