import {
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
  type PlatformHealth,
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
import { checkSecretName, checkSecretValue } from '../secrets/secret-arguments.ts'
import { closedError, type Host } from './host.ts'
import { checkTenantId, type TenantParts } from './tenant-parts.ts'

type PageQuery = LogQuery & { readonly follow?: false | undefined }
type FollowQuery = LogQuery & { readonly follow: true; readonly signal?: AbortSignal | undefined }

/** Whose handle it is. */
export interface HandleParts {
  readonly tenant: TenantParts
  readonly root?: PlatformHandle | undefined
  /** Lets go of the host. */
  readonly release: (isForced: boolean) => Promise<void>
}

/** What one `createPlatform` returned: the public interface in front of a host that several handles may share. */
export class PlatformHandle implements Platform {
  readonly #host: Host
  readonly #tenant: TenantParts
  /** The platform that a scoped one was made from. */
  readonly #root: PlatformHandle | undefined
  readonly #release: (isForced: boolean) => Promise<void>
  readonly #unsubscribers = new Set<() => void>()
  readonly #followers = new AbortController()
  readonly functions: Platform['functions']
  readonly secrets: Platform['secrets']
  readonly tenants: Platform['tenants']
  readonly options: Readonly<ResolvedPlatformOptions>
  #isClosed = false

  constructor(host: Host, { tenant, root, release }: HandleParts) {
    this.#host = host
    this.#tenant = tenant
    this.#root = root
    this.#release = release
    this.options = root === undefined ? host.options : optionsOf(host.options, tenant.id)
    this.functions = Object.freeze<Platform['functions']>({
      list: async () => this.#open('list functions').registry.list(),
      get: async (name) => describeFully(this.#open('read the function').registry.get(name)),
      versions: async (name) => this.#open('list versions').registry.versions(name),
      deployments: async (name) => this.#open('list deployments').deployer.deployments(name),
      rollback: async (name, version, options) => this.#open('roll back').deployer.rollback(name, version, options),
      remove: async (name) => this.#open('remove the function').deployer.remove(name),
    })
    this.secrets = Object.freeze<Platform['secrets']>({
      set: async (name, value) => {
        const { id } = this.#open('set the secret')
        await this.#host.vault.set({ tenant: id, name: checkSecretName(name) }, checkSecretValue(value))
      },
      list: async () => this.#host.vault.list(this.#open('list secrets').id),
      remove: async (name) => this.#host.vault.remove({ tenant: this.#open('remove the secret').id, name: checkSecretName(name) }),
    })
    this.tenants = Object.freeze<Platform['tenants']>({
      list: async () => this.#openTenants('list tenants').list(),
      get: async (id) => this.#openTenants('read the tenant').get(checkTenantId(id)),
      remove: async (id) => this.#openTenants('remove the tenant').remove(checkTenantId(id)),
      export: (id) => this.#openTenants('export the tenant').export(checkTenantId(id)),
    })
  }

  async deploy(deployment: Deployment): Promise<DeployResult> {
    return this.#open('deploy').deployer.deploy(deployment)
  }

  async analyze(deployment: UploadSource & Omit<Deployment, 'name'> & { readonly name?: string }): Promise<AnalyzeResult> {
    return this.#open('analyze the upload').deployer.analyze(deployment)
  }

  // Not async: one promise less on the hot path.
  invoke<Input = unknown, Output = unknown>(name: string, input?: Input, options?: InvokeOptions): Promise<InvokeResult<Output>> {
    if (this.#isOver) return Promise.reject(closedError('invoke the function'))
    return this.#tenant.invoker.invoke(name, input, options)
  }

  invokeJson(name: string, inputJson?: string | Uint8Array, options?: InvokeOptions): Promise<InvokeJsonResult> {
    if (this.#isOver) return Promise.reject(closedError('invoke the function'))
    return this.#tenant.invoker.invokeJson(name, inputJson, options)
  }

  fetch(name: string, request: Request, options?: FetchOptions): Promise<Response> {
    if (this.#isOver) return Promise.reject(closedError('call the function'))
    return this.#tenant.invoker.fetch(name, request, options)
  }

  logs(name: string | undefined, query: FollowQuery): AsyncIterable<StoredLogEntry>
  logs(name?: string, query?: PageQuery): Promise<Page<StoredLogEntry>>
  logs(name?: string, query?: FollowQuery | PageQuery): AsyncIterable<StoredLogEntry> | Promise<Page<StoredLogEntry>> {
    return isFollowing(query) ? this.#follow(name, query) : this.#logPage(name, query)
  }

  async invocations(name?: string, query?: InvocationQuery): Promise<Page<InvocationRecord>> {
    const { buffer } = this.#host
    const { reader, registry } = this.#open('read invocations')
    const filter = invocationFilter(name, query)
    if (name !== undefined) registry.get(name)
    // What is still buffered belongs to the answer.
    return buffer.afterFlush(() => reader.invocations(filter))
  }

  async usage(name?: string, query?: UsageQuery): Promise<readonly UsageDay[]> {
    const { usage } = this.#open('read the usage')
    const days = usageDays(name, query)
    return this.#host.buffer.afterFlush(() => usage(days))
  }

  tenant(id: string): Platform {
    if (id === this.#tenant.id) return this
    checkTenantId(id)
    this.#open('use the tenant')
    if (this.#root !== undefined) throw scopedError(`use tenant "${id}"`, this.#tenant.id)
    return new PlatformHandle(this.#host, { tenant: this.#host.tenant(id), root: this, release: async () => {} })
  }

  stats(): PlatformStats {
    const stats = this.#host.stats()
    if (this.#root === undefined) return stats
    const { id, registry } = this.#tenant
    return { ...stats, functions: registry.size, pool: { ...stats.pool, tenants: only(stats.pool.tenants, id) } }
  }

  async health(): Promise<PlatformHealth> {
    const { isReady, checks } = await this.#host.health()
    return { isReady: isReady && !this.#isOver, checks: { ...checks, platform: !this.#isOver } }
  }

  async metrics(): Promise<string> {
    this.#open('read the metrics')
    if (this.#root !== undefined) throw scopedError('read the metrics', this.#tenant.id)
    return this.#host.metrics()
  }

  on<E extends keyof PlatformEvents>(event: E, listener: (value: PlatformEvents[E]) => void): () => void {
    const { events, id } = this.#open('listen')
    const isOfHost = event === 'sandbox' || event === 'warning' || event === 'slowQuery'
    const remove = !isOfHost
      ? events.on(event, listener)
      : this.#host.events.on(event, this.#root === undefined ? listener : listenerOf(listener, id))
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

  get #isOver(): boolean {
    return this.#isClosed || (this.#root !== undefined && this.#root.#isClosed)
  }

  #open(act: string): TenantParts {
    if (this.#isOver) throw closedError(act)
    return this.#tenant
  }

  #openTenants(act: string): Host['tenants'] {
    this.#open(act)
    if (this.#root !== undefined) throw scopedError(act, this.#tenant.id)
    return this.#host.tenants
  }

  async #logPage(name: string | undefined, query: LogQuery | undefined): Promise<Page<StoredLogEntry>> {
    const { buffer } = this.#host
    const { reader, registry } = this.#open('read logs')
    const filter = logFilter(name, query)
    if (name !== undefined) registry.get(name)
    return buffer.afterFlush(() => reader.logs(filter))
  }

  #follow(name: string | undefined, query: FollowQuery): AsyncIterable<StoredLogEntry> {
    const { buffer } = this.#host
    const { feed, reader, registry } = this.#open('follow logs')
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

/** The options without what they say of other tenants and of the whole host. */
function optionsOf(options: ResolvedPlatformOptions, tenant: string): Readonly<ResolvedPlatformOptions> {
  const tenants = Object.freeze(only(options.allow.tenants, tenant))
  const metrics = Object.freeze({ ...options.metrics, token: undefined })
  return Object.freeze({ ...options, metrics, allow: Object.freeze({ ...options.allow, tenants }) })
}

/** Of what the host says, a tenant hears what is about it. */
function listenerOf<T extends object>(listener: (value: T) => void, tenant: string): (value: T) => void {
  // The host's own check says what is wrong with it.
  if (typeof listener !== 'function') return listener
  return (value) => ('tenant' in value && value.tenant === tenant ? listener(value) : undefined)
}

function only<T>(byTenant: Readonly<Record<string, T>>, tenant: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(byTenant).filter(([id]) => id === tenant))
}

function scopedError(act: string, tenant: string): PlatformError {
  return new PlatformError('FORBIDDEN', `Cannot ${act}: this platform is scoped to tenant "${tenant}"`)
}
