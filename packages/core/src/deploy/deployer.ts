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
  type DeployResult,
  type Executor,
  type ResolvedPlatformOptions,
  type Upload,
} from '@cordon/contracts'
import type { EventHub } from '../platform/events.ts'
import type { RecordBuffer } from '../records/record-buffer.ts'
import type { BundleCache } from '../registry/bundle-cache.ts'
import { KeyedQueue } from '../registry/keyed-queue.ts'
import type { FunctionRegistry } from '../registry/registry.ts'
import type { FunctionStore, StoredVersion } from '../store/function-store.ts'
import { capabilityChange } from '../policy/capability-change.ts'
import type { Policy } from '../policy/policy.ts'
import { checkFunctionName } from './function-name.ts'
import { refuseCode } from './rejected.ts'
import { unpack } from './unpack/unpack.ts'
import { versionId } from './version-id.ts'

/** What deploying needs of the platform. */
export interface DeployerParts {
  readonly tenant: string
  readonly options: ResolvedPlatformOptions
  readonly analyzer: () => Promise<Analyzer>
  readonly executor: Executor
  readonly store: FunctionStore
  readonly registry: FunctionRegistry
  readonly bundles: BundleCache
  readonly buffer: RecordBuffer
  readonly events: EventHub
  readonly policy: Policy
}

const unchanged: CapabilityChange = Object.freeze({ added: Object.freeze([]), removed: Object.freeze([]) })

type AcceptedAnalysis = Analysis & { readonly bundle: Bundle }

/** Upload -> live version, and the other changes of what is live. Changes of one function happen one after the other. */
export class Deployer {
  readonly #parts: DeployerParts
  readonly #queue = new KeyedQueue()

  constructor(parts: DeployerParts) {
    this.#parts = parts
  }

  async deploy(deployment: Deployment): Promise<DeployResult> {
    const given = copyOf(deployment)
    const name = checkFunctionName(given['name'])
    const label = labelOf(given['label'])
    // Unpacked at once, since the caller may change its files while this waits; queued, so that two deployments end in the order of the calls.
    const upload = unpack(given)
    upload.catch(ignore)
    return this.#queue.run(name, async () => {
      const analysis = await this.#analyze(await upload)
      if (!isAccepted(analysis)) throw refuseCode(name, analysis.diagnostics)
      const { registry, policy } = this.#parts
      const refused = await policy.approve({ name, analysis, previous: registry.find(name)?.live.stored.manifest })
      if (refused.length > 0) throw refuseCode(name, [...analysis.diagnostics, ...refused])
      return this.#make(name, label, analysis)
    })
  }

  async analyze(deployment: unknown): Promise<AnalyzeResult> {
    const given = copyOf(deployment)
    if (given['name'] !== undefined) checkFunctionName(given['name'])
    const { ok, diagnostics, manifest, schemas } = await this.#analyze(await unpack(given))
    return { ok, diagnostics, manifest, schemas }
  }

  rollback(name: string, version: string | undefined): Promise<{ readonly name: string; readonly version: string }> {
    return this.#queue.run(name, async () => {
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
        await store.deploy({ name, version: target, kind: 'rollback', label: stored.label, time })
        const now = registry.switch(name, stored, time).live
        executor.retire(live)
        void executor.preload(now).catch(ignore)
        const capabilities = capabilityChange(live.stored.manifest, stored.manifest)
        events.emit('deployment', { name, version: target, kind: 'rollback', capabilities })
      }
      return { name, version: target }
    })
  }

  remove(name: string): Promise<void> {
    return this.#queue.run(name, async () => {
      const { tenant, registry, store, executor, buffer, events } = this.#parts
      const { versions, live } = registry.get(name)
      // Behind the records that are being written, so that none of them is written after the function is gone.
      buffer.forget(tenant, name)
      await buffer.barrier(() => store.remove(name))
      registry.remove(name)
      buffer.forget(tenant, name)
      for (const version of versions.values()) executor.retire(version)
      events.emit('deployment', { name, version: live.version, kind: 'remove', capabilities: capabilityChange(live.stored.manifest, undefined) })
    })
  }

  /** Resolves when the changes that were started are over. */
  idle(): Promise<void> {
    return this.#queue.idle()
  }

  async #analyze(upload: Upload): Promise<Analysis> {
    const { options, analyzer, policy } = this.#parts
    return policy.judge(await (await analyzer()).analyze(upload, { packages: options.packages, analyzer: options.analyzer }))
  }

  async #make(name: string, label: string | null, { manifest, schemas, bundle, diagnostics }: AcceptedAnalysis): Promise<DeployResult> {
    const { store, registry, bundles, executor, events } = this.#parts
    const version = versionId(bundle, manifest.config, schemas)
    const known = registry.find(name)
    const before = known?.versions.get(version)
    const time = Date.now()
    if (known !== undefined && known.live === before && before !== undefined && label === null) {
      return { name, version, created: false, diagnostics, manifest: before.stored.manifest, capabilities: unchanged, schemas: before.stored.schemas }
    }
    const bytes = Buffer.byteLength(bundle.code)
    const stored: StoredVersion = before?.stored ?? { version, manifest, schemas, createdAt: time, label, bytes }
    await store.deploy({ name, version, kind: 'deploy', label, time, created: before === undefined ? { manifest, schemas, bundle } : undefined })
    if (before === undefined) bundles.set(name, version, bundle)
    const { live, before: replaced } = registry.switch(name, label === null ? stored : { ...stored, label }, time)
    if (replaced !== undefined && replaced !== live) executor.retire(replaced)
    // The first call shall find its code loaded; why it could not be is told by that call.
    void executor.preload(live).catch(ignore)
    const capabilities = capabilityChange(replaced?.stored.manifest, stored.manifest)
    events.emit('deployment', { name, version, kind: 'deploy', capabilities })
    return { name, version, created: before === undefined, diagnostics, manifest: stored.manifest, capabilities, schemas: stored.schemas }
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

function ignore(): void {}
