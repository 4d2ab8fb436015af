import {
  invalidOption,
  reasonOf,
  type Executor,
  type FunctionDatabase,
  type Logger,
  type PlatformError,
  type ResolvedPlatformOptions,
  type UsageDay,
} from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import type { RequestSenders } from '../egress/egress.ts'
import { Deployer } from '../deploy/deployer.ts'
import { Invoker } from '../invoke/invoker.ts'
import { allowRulesOf } from '../policy/allow-rules.ts'
import { limitCeilings } from '../policy/limit-ceilings.ts'
import { Policy } from '../policy/policy.ts'
import { LogFeed } from '../records/log-feed.ts'
import type { RecordBuffer } from '../records/record-buffer.ts'
import type { Meters } from '../observe/meters.ts'
import type { BundleCache } from '../registry/bundle-cache.ts'
import { FunctionRegistry } from '../registry/registry.ts'
import type { Vault } from '../secrets/vault.ts'
import { FunctionStore } from '../store/function-store.ts'
import { RecordReader } from '../store/record-reader.ts'
import { readUsage, type UsageDays } from '../store/usage.ts'
import { EventHub } from './events.ts'
import type { LazyAnalyzer } from './lazy-analyzer.ts'

/** What all tenants of a host share. */
export interface SharedParts {
  /** Id of this host in the log of changes. */
  readonly host: string
  readonly options: ResolvedPlatformOptions
  /** Of the host: sandboxes and warnings. */
  readonly events: EventHub
  readonly logger: Logger
  readonly executor: Executor
  readonly analyzer: LazyAnalyzer
  readonly sql: SqlPool
  readonly database: FunctionDatabase
  readonly bundles: BundleCache
  readonly buffer: RecordBuffer
  readonly meters: Meters
  readonly vault: Vault
  readonly egress: RequestSenders
}

/** What one tenant has of its own: functions and all that is done with them. */
export interface TenantParts {
  readonly id: string
  /** Its deployments and invocations. */
  readonly events: EventHub
  readonly deployer: Deployer
  readonly invoker: Invoker
  readonly registry: FunctionRegistry
  readonly store: FunctionStore
  readonly reader: RecordReader
  readonly feed: LogFeed
  usage(days: UsageDays): Promise<readonly UsageDay[]>
}

/** Wires the parts of a tenant; nothing is read or written. */
export function createTenantParts(id: string, shared: SharedParts): TenantParts {
  const { host, options, logger, executor, analyzer, sql, database, bundles, buffer, meters, vault, egress } = shared
  const events = new EventHub((error) => logger.error({}, error.message))
  events.on('deployment', ({ kind }) => meters.deployed(kind))
  const feed = new LogFeed()
  const store = new FunctionStore(sql, { tenant: id, host })
  const ceilings = limitCeilings(allowRulesOf(options.allow, id), options.limits)
  const registry = new FunctionRegistry({ tenant: id, limits: options.limits, ceilings, bundles })
  const invoker = new Invoker({
    executor,
    registry,
    database,
    buffer,
    feed,
    events,
    meters,
    vault,
    egress,
    net: options.net,
    write: options.records.write,
  })
  const policy = new Policy({
    allow: options.allow,
    limits: options.limits,
    tenant: id,
    onWarning(message: string, error: PlatformError) {
      logger.warn(error.cause === undefined ? {} : { reason: reasonOf(error.cause) }, message)
      shared.events.emit('warning', { message, error, tenant: id })
    },
  })
  const deployer = new Deployer({ tenant: id, options, analyzer: analyzer.get, executor, database, store, registry, bundles, buffer, events, policy })
  return {
    id,
    events,
    deployer,
    invoker,
    registry,
    store,
    reader: new RecordReader(sql, id),
    feed,
    usage: (days) => readUsage(sql, id, days),
  }
}

/** @throws PlatformError INVALID_OPTION for what cannot be the id of a tenant */
export function checkTenantId(id: unknown): string {
  if (typeof id === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(id)) return id
  throw invalidOption('tenant', 'the id of a tenant: 1 to 63 letters, digits, ".", "_" and "-", beginning with a letter or digit', id)
}
