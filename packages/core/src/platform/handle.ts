import {
  invalidOption,
  PlatformError,
  type AnalyzeResult,
  type Deployment,
  type DeployResult,
  type FetchOptions,
  type InvocationQuery,
  type InvocationRecord,
  type InvokeJsonResult,
  type InvokeOptions,
  type InvokeResult,
  type LogQuery,
  type Page,
  type Platform,
  type PlatformEvents,
  type PlatformStats,
  type ResolvedPlatformOptions,
  type StoredLogEntry,
  type UploadSource,
  type UsageDay,
  type UsageQuery,
} from '@cordon/contracts'
import { followLogs } from '../records/follow-logs.ts'
import { followSignal, invocationFilter, logFilter, usageDays } from '../records/record-query.ts'
import { describeFully } from '../registry/registry.ts'
import { shownName } from '../registry/shown-name.ts'
import { closedError, defaultTenant, type Host } from './host.ts'

type PageQuery = LogQuery & { readonly follow?: false | undefined }
type FollowQuery = LogQuery & { readonly follow: true; readonly signal?: AbortSignal | undefined }

/** What one `createPlatform` returned: the public interface in front of a host that several handles may share. */
export class PlatformHandle implements Platform {
  readonly #host: Host
  readonly #release: (isForced: boolean) => Promise<void>
  readonly #unsubscribers = new Set<() => void>()
  readonly #followers = new AbortController()
  readonly functions: Platform['functions']
  #isClosed = false

  constructor(host: Host, release: (isForced: boolean) => Promise<void>) {
    this.#host = host
    this.#release = release
    this.functions = Object.freeze<Platform['functions']>({
      list: async () => this.#open('list functions').registry.list(),
      get: async (name) => describeFully(this.#open('read the function').registry.get(name)),
      versions: async (name) => this.#open('list versions').registry.versions(name),
      rollback: async (name, version) => this.#open('roll back').deployer.rollback(name, version),
      remove: async (name) => this.#open('remove the function').deployer.remove(name),
    })
  }

  get options(): Readonly<ResolvedPlatformOptions> {
    return this.#host.options
  }

  async deploy(deployment: Deployment): Promise<DeployResult> {
    return this.#open('deploy').deployer.deploy(deployment)
  }

  async analyze(deployment: UploadSource & Omit<Deployment, 'name'> & { readonly name?: string }): Promise<AnalyzeResult> {
    return this.#open('analyze the upload').deployer.analyze(deployment)
  }

  // Not async: one promise less on the hot path.
  invoke<Input = unknown, Output = unknown>(name: string, input?: Input, options?: InvokeOptions): Promise<InvokeResult<Output>> {
    if (this.#isClosed) return Promise.reject(closedError('invoke the function'))
    return this.#host.invoker.invoke(name, input, options)
  }

  invokeJson(name: string, inputJson?: string | Uint8Array, options?: InvokeOptions): Promise<InvokeJsonResult> {
    if (this.#isClosed) return Promise.reject(closedError('invoke the function'))
    return this.#host.invoker.invokeJson(name, inputJson, options)
  }

  fetch(name: string, request: Request, options?: FetchOptions): Promise<Response> {
    if (this.#isClosed) return Promise.reject(closedError('call the function'))
    return this.#host.invoker.fetch(name, request, options)
  }

  logs(name: string | undefined, query: FollowQuery): AsyncIterable<StoredLogEntry>
  logs(name?: string, query?: PageQuery): Promise<Page<StoredLogEntry>>
  logs(name?: string, query?: FollowQuery | PageQuery): AsyncIterable<StoredLogEntry> | Promise<Page<StoredLogEntry>> {
    return isFollowing(query) ? this.#follow(name, query) : this.#logPage(name, query)
  }

  async invocations(name?: string, query?: InvocationQuery): Promise<Page<InvocationRecord>> {
    const { buffer, reader, registry } = this.#open('read invocations')
    const filter = invocationFilter(name, query)
    if (name !== undefined) registry.get(name)
    // What is still buffered belongs to the answer.
    return buffer.afterFlush(() => reader.invocations(filter))
  }

  async usage(name?: string, query?: UsageQuery): Promise<readonly UsageDay[]> {
    const { buffer, usage } = this.#open('read the usage')
    const days = usageDays(name, query)
    return buffer.afterFlush(() => usage(days))
  }

  tenant(id: string): Platform {
    if (id === defaultTenant) return this
    if (typeof id !== 'string') throw invalidOption('tenant', 'the id of a tenant', id)
    throw new PlatformError(
      'CAPABILITY_DENIED',
      `Cannot use tenant ${shownName(id)}: this version of Cordon has the tenant "${defaultTenant}" only. Use that one`,
    )
  }

  stats(): PlatformStats {
    return this.#host.stats()
  }

  on<E extends keyof PlatformEvents>(event: E, listener: (value: PlatformEvents[E]) => void): () => void {
    const remove = this.#open('listen').events.on(event, listener)
    const unsubscribe = (): void => {
      remove()
      this.#unsubscribers.delete(unsubscribe)
    }
    this.#unsubscribers.add(unsubscribe)
    return unsubscribe
  }

  close(): Promise<void> {
    return this.#end(false)
  }

  destroy(): Promise<void> {
    return this.#end(true)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #end(isForced: boolean): Promise<void> {
    this.#isClosed = true
    // Listeners and followers stay until the end: what still runs is reported.
    await this.#release(isForced)
    this.#followers.abort()
    for (const unsubscribe of this.#unsubscribers) unsubscribe()
  }

  #open(act: string): Host {
    if (this.#isClosed) throw closedError(act)
    return this.#host
  }

  async #logPage(name: string | undefined, query: LogQuery | undefined): Promise<Page<StoredLogEntry>> {
    const { buffer, reader, registry } = this.#open('read logs')
    const filter = logFilter(name, query)
    if (name !== undefined) registry.get(name)
    return buffer.afterFlush(() => reader.logs(filter))
  }

  #follow(name: string | undefined, query: FollowQuery): AsyncIterable<StoredLogEntry> {
    const { buffer, feed, reader, registry } = this.#open('follow logs')
    const filter = logFilter(name, query)
    if (name !== undefined) registry.get(name)
    const signal = followSignal(query)
    const ends = signal === undefined ? this.#followers.signal : AbortSignal.any([signal, this.#followers.signal])
    return followLogs({ feed, buffer, reader }, filter, ends)
  }
}

/** A query that cannot be read is no follower's: the page says what is wrong with it. */
function isFollowing(query: FollowQuery | PageQuery | undefined): query is FollowQuery {
  try {
    return query?.follow === true
  } catch {
    return false
  }
}
