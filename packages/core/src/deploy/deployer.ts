import {
  invalidOption,
  isRecord,
  PlatformError,
  readGiven,
  type Analysis,
  type Analyzer,
  type AnalyzeResult,
  type Bundle,
  type CapabilityChange,
  type Deployment,
  type DeploymentInfo,
  type DeployResult,
  type Executor,
  type FunctionDatabase,
  type Migration,
  type ResolvedPlatformOptions,
  type Upload,
} from '@cordon/contracts'
import type { EventHub } from '../platform/events.ts'
import type { RecordBuffer } from '../records/record-buffer.ts'
import type { BundleCache } from '../registry/bundle-cache.ts'
import { KeyedQueue } from '../registry/keyed-queue.ts'
import type { FunctionRegistry } from '../registry/registry.ts'
import { Doubts } from '../store/doubts.ts'
import type { FunctionStore, StoredVersion } from '../store/function-store.ts'
import { capabilitiesOf, capabilityChange } from '../policy/capability-change.ts'
import { readApproved, refuseGrowth } from '../policy/approved.ts'
import type { Policy } from '../policy/policy.ts'
import { checkFunctionName } from './function-name.ts'
import { migrationFindings, readMigrations } from './migrations.ts'
import { refuseCode } from './rejected.ts'
import { unpack } from './unpack/unpack.ts'
import { versionId } from './version-id.ts'

/** What deploying needs of the platform. */
export interface DeployerParts {
  readonly tenant: string
  readonly options: ResolvedPlatformOptions
  readonly analyzer: () => Promise<Analyzer>
  readonly executor: Executor
  readonly database: FunctionDatabase
  readonly store: FunctionStore
  readonly registry: FunctionRegistry
  readonly bundles: BundleCache
  readonly buffer: RecordBuffer
  readonly events: EventHub
  readonly policy: Policy
}

/** Most deployments of one answer. */
const shownDeployments = 1000

const unchanged: CapabilityChange = Object.freeze({ added: Object.freeze([]), removed: Object.freeze([]) })

/** What is deployed as what, by whom. */
interface Naming {
  readonly name: string
  readonly label: string | null
  readonly userId: string | undefined
}

/** What became live; `deploy` adds what was found on the way. */
type MadeVersion = Omit<DeployResult, 'diagnostics' | 'migrations'>

type AcceptedAnalysis = Analysis & { readonly bundle: Bundle }

/** Upload -> live version, and the other changes of what is live. Changes of one function happen one after the other. */
export class Deployer {
  readonly #parts: DeployerParts
  readonly #queue = new KeyedQueue()
  /** Functions of which nobody knows whether their last change was made. */
  readonly #doubts = new Doubts((name) => this.sync(name))

  constructor(parts: DeployerParts) {
    this.#parts = parts
  }

  async deploy(deployment: Deployment): Promise<DeployResult> {
    const given = copyOf(deployment)
    const name = checkFunctionName(given['name'])
    const label = labelOf(given['label'])
    const userId = userIdOf(given['user'])
    const approved = readApproved(given['approved'])
    // Unpacked at once, since the caller may change its files while this waits; queued, so that two deployments end in the order of the calls.
    const upload = unpack(given)
    upload.catch(ignore)
    return this.#change(name, async () => {
      const { analysis, migrations } = await this.#analyze(await upload)
      if (!isAccepted(analysis)) throw refuseCode(name, analysis.diagnostics)
      const { registry, policy } = this.#parts
      const previous = registry.find(name)?.live.stored.manifest
      const growth = approved && refuseGrowth(name, analysis, { change: capabilityChange(previous, analysis.manifest), approved })
      if (growth !== undefined) throw growth
      const refused = await policy.approve({ name, analysis, previous })
      if (refused.length > 0) throw refuseCode(name, [...analysis.diagnostics, ...refused])
      const applied = await this.#migrate(name, analysis, migrations)
      const made = await this.#make({ name, label, userId }, analysis)
      return { ...made, ...applied }
    })
  }

  /** @throws PlatformError FUNCTION_NOT_FOUND, STORE_UNAVAILABLE */
  deployments(name: string): Promise<readonly DeploymentInfo[]> {
    return this.#parts.store.deployments(this.#parts.registry.get(name).name, shownDeployments)
  }

  async analyze(deployment: unknown): Promise<AnalyzeResult> {
    const given = copyOf(deployment)
    const name = given['name'] === undefined ? undefined : checkFunctionName(given['name'])
    const { ok, diagnostics, manifest, schemas } = (await this.#analyze(await unpack(given))).analysis
    const live = name === undefined ? undefined : this.#parts.registry.find(name)?.live
    return { ok, diagnostics, manifest, capabilities: capabilityChange(live?.stored.manifest, manifest), schemas }
  }

  async rollback(name: string, version: string | undefined, options?: unknown): Promise<{ readonly name: string; readonly version: string }> {
    const userId = options === undefined ? undefined : userIdOf(copyOf(options)['user'])
    return this.#change(name, async () => {
      const { registry, store, executor, events } = this.#parts
      const { live } = registry.get(name)
      const target = version ?? (await store.previousLive(name))
      if (target === undefined) {
        throw new PlatformError('VERSION_NOT_FOUND', `Cannot roll "${name}" back: no other version of it has been live`, {
          details: { function: name },
        })
      }
      const { stored } = registry.version(name, target)
      if (live.version !== target) {
        const time = Date.now()
        const capabilities = capabilitiesOf(stored.manifest)
        await this.#write(name, () => store.deploy({ name, version: target, kind: 'rollback', label: stored.label, userId, capabilities, time }))
        const now = registry.switch(name, stored, time).live
        executor.retire(live)
        void executor.preload(now).catch(ignore)
        const change = capabilityChange(live.stored.manifest, stored.manifest)
        events.emit('deployment', { name, version: target, kind: 'rollback', capabilities: change })
      }
      return { name, version: target }
    })
  }

  remove(name: string): Promise<void> {
    return this.#change(name, async () => {
      const { tenant, registry, store, executor, buffer, events } = this.#parts
      const { versions, live } = registry.get(name)
      // Before the barrier, behind which the records of all tenants wait.
      await store.removeRecords(name)
      // Behind the records that are being written, so that none of them is written after the function is gone.
      buffer.forget(tenant, name)
      await this.#doubts.watch(
        name,
        buffer.barrier(() => store.remove(name)),
      )
      registry.remove(name)
      buffer.forget(tenant, name)
      for (const version of versions.values()) executor.retire(version)
      events.emit('deployment', { name, version: live.version, kind: 'remove', capabilities: capabilityChange(live.stored.manifest, undefined) })
    })
  }

  /** Takes over what the store says of a function after another host changed it. */
  sync(name: string): Promise<void> {
    return this.#queue.run(name, () => this.#follow(name))
  }

  async #follow(name: string): Promise<void> {
    const { tenant, registry, store, executor, buffer, events } = this.#parts
    const { unwanted, before, live } = registry.sync(name, await store.load(name))
    this.#doubts.settle(name)
    for (const version of unwanted) executor.retire(version)
    if (before === live) return
    if (live === undefined) buffer.forget(tenant, name)
    // Only where it is in use: the other hosts load it when they are asked for it.
    else if (before !== undefined) void executor.preload(live).catch(ignore)
    const shown = live ?? before
    if (shown === undefined) return
    const capabilities = capabilityChange(before?.stored.manifest, live?.stored.manifest)
    events.emit('deployment', { name, version: shown.version, kind: live === undefined ? 'remove' : 'deploy', capabilities })
  }

  /** Runs a change of a function when those before it are over, on what the store says of it. */
  #change<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#queue.run(name, async () => {
      if (this.#doubts.has(name)) await this.#follow(name)
      return work()
    })
  }

  /** Takes over what the store says of all functions: those that are known here, and `names`. */
  async syncAll(names: readonly string[]): Promise<void> {
    for (const name of new Set([...this.#parts.registry.names(), ...names])) await this.sync(name)
  }

  /** Runs a write that needs what is in memory to be in the store, too. @throws PlatformError VERSION_NOT_FOUND when another host removed it */
  async #write(name: string, run: () => Promise<void>): Promise<void> {
    try {
      await this.#doubts.watch(name, run())
    } catch (error) {
      // A foreign key: what the row refers to is not there.
      if (!(error instanceof PlatformError) || error.details['sqlState'] !== '23503') throw error
      void this.sync(name).catch(ignore)
      throw new PlatformError('VERSION_NOT_FOUND', `Cannot change "${name}": it was removed meanwhile`, { details: { function: name }, cause: error })
    }
  }

  /** Resolves when the changes that were started are over. */
  idle(): Promise<void> {
    return this.#queue.idle()
  }

  async #analyze(upload: Upload): Promise<{ readonly analysis: Analysis; readonly migrations: readonly Migration[] }> {
    const { options, analyzer, policy } = this.#parts
    const analysis = policy.judge(await (await analyzer()).analyze(upload, { packages: options.packages, analyzer: options.analyzer }))
    const { migrations, diagnostics } = readMigrations(upload, analysis)
    if (diagnostics.length === 0) return { analysis, migrations }
    return { analysis: { ...analysis, ok: false, diagnostics: [...analysis.diagnostics, ...diagnostics] }, migrations }
  }

  /** Before the version is live; what is applied stays when making it live fails, and is not applied again by the next attempt. */
  async #migrate(name: string, analysis: Analysis, migrations: readonly Migration[]): Promise<Pick<DeployResult, 'diagnostics' | 'migrations'>> {
    if (migrations.length === 0) return { diagnostics: analysis.diagnostics, migrations: [] }
    const outcome = await this.#parts.database.migrate(this.#parts.tenant, { function: name, migrations })
    const diagnostics = [...analysis.diagnostics, ...(await migrationFindings(outcome, migrations))]
    if (outcome.kind === 'refused') throw refuseCode(name, diagnostics)
    return { diagnostics, migrations: outcome.applied }
  }

  async #make({ name, label, userId }: Naming, { manifest, schemas, bundle }: AcceptedAnalysis): Promise<MadeVersion> {
    const { tenant, store, registry, bundles, executor, events } = this.#parts
    const version = versionId(bundle, manifest.config, schemas)
    const known = registry.find(name)
    const before = known?.versions.get(version)
    const time = Date.now()
    if (known !== undefined && known.live === before && before !== undefined && label === null) {
      return { name, version, created: false, manifest: before.stored.manifest, capabilities: unchanged, schemas: before.stored.schemas }
    }
    const bytes = Buffer.byteLength(bundle.code)
    const stored: StoredVersion = before?.stored ?? { version, manifest, schemas, createdAt: time, label, bytes }
    // With its content also when it is known here: another host may have removed it meanwhile.
    const content = { manifest: stored.manifest, schemas: stored.schemas, bundle }
    const capabilities = capabilitiesOf(stored.manifest)
    await this.#doubts.watch(name, store.deploy({ name, version, kind: 'deploy', label, userId, capabilities, time, content }))
    if (before === undefined) bundles.set({ tenant, function: name, version }, bundle)
    const { live, before: replaced } = registry.switch(name, { ...stored, label }, time)
    if (replaced !== undefined && replaced !== live) executor.retire(replaced)
    // The first call shall find its code loaded; why it could not be is told by that call.
    void executor.preload(live).catch(ignore)
    const change = capabilityChange(replaced?.stored.manifest, stored.manifest)
    events.emit('deployment', { name, version, kind: 'deploy', capabilities: change })
    return { name, version, created: before === undefined, manifest: stored.manifest, capabilities: change, schemas: stored.schemas }
  }
}

function isAccepted(analysis: Analysis): analysis is AcceptedAnalysis {
  return analysis.ok && analysis.bundle !== undefined
}

/** What the caller gave, read once. */
function copyOf(deployment: unknown): Record<string, unknown> {
  const copy = readGiven('deployment', () => (isRecord(deployment) ? { ...deployment } : undefined))
  if (copy === undefined) throw invalidOption('deployment', 'an object', deployment)
  return copy
}

function labelOf(label: unknown): string | null {
  if (label === undefined) return null
  if (typeof label === 'string' && label.length <= 1000 && !/[\0\p{Surrogate}]/u.test(label)) return label
  throw invalidOption('label', 'a text of at most 1000 characters', label)
}

function userIdOf(user: unknown): string | undefined {
  if (user === undefined) return undefined
  const id = readGiven('user', () => (isRecord(user) ? user['id'] : undefined))
  if (typeof id === 'string' && id.length <= 1000 && !/[\0\p{Surrogate}]/u.test(id)) return id
  throw invalidOption('user', 'an object with an `id`, a text of at most 1000 characters', user)
}

function ignore(): void {}
