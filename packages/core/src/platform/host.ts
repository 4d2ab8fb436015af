import {
  PlatformError,
  reasonOf,
  type Executor,
  type FunctionDatabase,
  type Logger,
  type PlatformStats,
  type Reaper,
  type ResolvedPlatformOptions,
  type SandboxEvent,
  type UsageDay,
} from '@cordon/contracts'
import type { SqlConnection, SqlPool } from '@cordon/pool'
import { lockDataDir } from '../data-dir/lock.ts'
import { prepareDataDir } from '../data-dir/data-dir.ts'
import { Deployer } from '../deploy/deployer.ts'
import { Invoker } from '../invoke/invoker.ts'
import { allowRulesOf } from '../policy/allow-rules.ts'
import { limitCeilings } from '../policy/limit-ceilings.ts'
import { Policy } from '../policy/policy.ts'
import { LogFeed } from '../records/log-feed.ts'
import { RecordBuffer } from '../records/record-buffer.ts'
import { RecordRetention } from '../records/record-retention.ts'
import { BundleCache } from '../registry/bundle-cache.ts'
import { FunctionRegistry } from '../registry/registry.ts'
import { FunctionStore } from '../store/function-store.ts'
import { migrate } from '../store/migrate.ts'
import { RecordPartitions } from '../store/record-partitions.ts'
import { RecordReader } from '../store/record-reader.ts'
import { RecordWriter } from '../store/record-writer.ts'
import { readUsage, type UsageDays } from '../store/usage.ts'
import { openDatabase } from './database.ts'
import type { EventHub } from './events.ts'
import { LazyAnalyzer } from './lazy-analyzer.ts'
import { Teardown } from './teardown.ts'

/** The only tenant of this version. */
export const defaultTenant = 'default'
/** Connections of the store: deployments and queries from callers, and one batch of records. */
const storeConnections = 5
/** Longest wait for a connection, and longest statement of the store, in milliseconds. */
const storeTimeouts = { acquireTimeoutMs: 5000, queryTimeoutMs: 15_000 }
/** Longest step of a migration, or wait for another host that migrates, in milliseconds: old records may have to be copied. */
const migrationTimeoutMs = 600_000
const threadWarning =
  "Functions run in threads of this process (isolation: 'thread'), which is no wall: deploy only what this application itself ships; see docs/guides/isolation.md"

/** A started platform: its parts, wired. Handles of the public interface stand in front of it. */
export interface Host {
  readonly options: ResolvedPlatformOptions
  readonly events: EventHub
  readonly deployer: Deployer
  readonly invoker: Invoker
  readonly registry: FunctionRegistry
  readonly reader: RecordReader
  readonly buffer: RecordBuffer
  readonly feed: LogFeed
  usage(days: UsageDays): Promise<readonly UsageDay[]>
  stats(): PlatformStats
  /** Graceful, or forceful when `isForced`; forceful also hastens a graceful stop that is under way. Never rejects. */
  stop(isForced: boolean): Promise<void>
}

/** Starts everything; what was started is stopped again when one part fails. */
export async function startHost(options: ResolvedPlatformOptions, events: EventHub, logger: Logger): Promise<Host> {
  let isForced = false
  const onError = (error: unknown): void =>
    logger.error({}, `Cannot stop a part of the platform: ${error instanceof Error ? error.message : String(error)}`)
  const teardown = new Teardown(onError)
  try {
    if (options.databaseUrl === undefined) {
      const dataDir = await prepareDataDir(options.dataDir)
      const lock = await lockDataDir(dataDir)
      teardown.add(() => lock.release())
    }
    const { createReaper } = await import('@cordon/executor')
    const reaper = createReaper()
    teardown.add(() => reaper.close())
    const analyzer = new LazyAnalyzer(reaper)
    teardown.add(() => (isForced ? analyzer.destroy() : analyzer.close()))
    const opening = openStore({ options, reaper, logger, events, teardown, isForced: () => isForced })
    const starting = startExecutor(options, reaper, events, logger)
    const [opened, started] = await Promise.allSettled([opening, starting])
    if (started.status === 'fulfilled') teardown.add(() => (isForced ? started.value.destroy() : started.value.close()))
    if (opened.status === 'rejected') throw opened.reason
    if (started.status === 'rejected') throw started.reason
    const executor = started.value
    const { sql, functions, database, stored } = opened.value
    const host = assemble({ options, events, logger, executor, analyzer, sql, functions, database, teardown })
    host.registry.load(stored)
    // After the start, not during it: two cores have enough to do until then.
    setImmediate(() => {
      if (options.isolation === 'thread') {
        logger.warn({}, threadWarning)
        events.emit('warning', { message: threadWarning })
      }
      analyzer
        .warm()
        .catch((error: unknown) => logger.warn({}, `Cannot warm the analyzer: ${error instanceof Error ? error.message : String(error)}`))
    })
    let stopping: Promise<void> | undefined
    return {
      ...host,
      stop(force) {
        if (force && !isForced) {
          isForced = true
          // A graceful stop waits for what runs; this ends the waiting.
          void Promise.allSettled([executor.destroy(), analyzer.destroy()])
        }
        stopping ??= stopHost(host, executor, teardown, onError, () => isForced)
        return stopping
      },
    }
  } catch (error) {
    isForced = true
    await teardown.run()
    throw error
  }
}

async function startExecutor(options: ResolvedPlatformOptions, reaper: Reaper, events: EventHub, logger: Logger): Promise<Executor> {
  const { createExecutor, createThreadExecutor } = await import('@cordon/executor')
  const shared = {
    ...options.scheduling,
    spareMemoryMb: options.limits.memoryMb,
    onSandbox: (event: SandboxEvent) => events.emit('sandbox', event),
    onWarning(message: string, error: PlatformError) {
      logger.warn({ code: error.code }, `${message}: ${error.message}`)
      events.emit('warning', { message, error })
    },
  }
  if (options.isolation === 'thread') return createThreadExecutor(shared)
  return createExecutor({ ...shared, hardening: options.hardening, cpus: options.cpus, reaper })
}

async function openStore(parts: Parameters<typeof openDatabase>[0]) {
  const { createSqlPool, createFunctionDatabase } = await import('@cordon/pool')
  const connection = await openDatabase(parts)
  const sql = createSqlPool({ connection, max: storeConnections, ...storeTimeouts, applicationName: 'cordon' })
  parts.teardown.add(() => (parts.isForced() ? sql.destroy() : sql.close()))
  await migrateStore(connection)
  const database = createFunctionDatabase({
    admin: connection,
    ...parts.options.database,
    tenancy: parts.options.tenancy,
    onSlowQuery: (query) => parts.events.emit('slowQuery', query),
    logger: parts.logger,
  })
  parts.teardown.add(() => (parts.isForced() ? database.destroy() : database.close()))
  const functions = new FunctionStore(sql, defaultTenant)
  return { sql, functions, database, stored: await functions.load() }
}

async function migrateStore(connection: SqlConnection): Promise<void> {
  const { createSqlPool } = await import('@cordon/pool')
  const timeouts = { acquireTimeoutMs: storeTimeouts.acquireTimeoutMs, queryTimeoutMs: migrationTimeoutMs }
  const sql = createSqlPool({ connection, max: 1, ...timeouts, applicationName: 'cordon migration' })
  try {
    await migrate(sql)
  } finally {
    await sql.close()
  }
}

interface AssembleParts {
  readonly options: ResolvedPlatformOptions
  readonly events: EventHub
  readonly logger: Logger
  readonly executor: Executor
  readonly analyzer: LazyAnalyzer
  readonly sql: SqlPool
  readonly functions: FunctionStore
  readonly database: FunctionDatabase
  readonly teardown: Teardown
}

function assemble({ options, events, logger, executor, analyzer, sql, functions, database, teardown }: AssembleParts): Omit<Host, 'stop'> {
  function onWarning(message: string, error?: PlatformError): void {
    logger.warn({}, message)
    events.emit('warning', error === undefined ? { message } : { message, error })
  }
  const partitions = new RecordPartitions(sql)
  const writer = new RecordWriter(sql, partitions)
  const retention = new RecordRetention({ partitions, options: options.records, onWarning })
  teardown.add(() => retention.close())
  const feed = new LogFeed()
  const buffer = new RecordBuffer({
    write: (items) => writer.write(items),
    prune: () => retention.run(),
    onWarning,
  })
  const bundles = new BundleCache((name, version) => functions.loadBundle(name, version))
  const registry = new FunctionRegistry({
    tenant: defaultTenant,
    limits: options.limits,
    ceilings: limitCeilings(allowRulesOf(options.allow, defaultTenant), options.limits),
    bundles,
  })
  const invoker = new Invoker({ executor, registry, database, buffer, feed, events, write: options.records.write })
  const policy = new Policy({
    allow: options.allow,
    limits: options.limits,
    tenant: defaultTenant,
    onWarning(message, error) {
      logger.warn(error.cause === undefined ? {} : { reason: reasonOf(error.cause) }, message)
      events.emit('warning', { message, error })
    },
  })
  const deployer = new Deployer({
    tenant: defaultTenant,
    options,
    analyzer: analyzer.get,
    executor,
    store: functions,
    registry,
    bundles,
    buffer,
    events,
    policy,
  })
  return {
    options,
    events,
    deployer,
    invoker,
    registry,
    reader: new RecordReader(sql, defaultTenant),
    buffer,
    feed,
    usage: (days) => readUsage(sql, defaultTenant, days),
    stats: () => ({ ...executor.stats(), functions: registry.size, pool: database.stats(), records: buffer.stats() }),
  }
}

async function stopHost(
  { deployer, invoker, feed, buffer }: Omit<Host, 'stop'>,
  executor: Executor,
  teardown: Teardown,
  onError: (error: unknown) => void,
  isForced: () => boolean,
): Promise<void> {
  await deployer.idle()
  await (isForced() ? executor.destroy() : executor.close()).catch(onError)
  await invoker.idle()
  feed.close()
  await buffer.close().catch(onError)
  await teardown.run()
}

/** What a call of a closed platform gets. */
export function closedError(act: string): PlatformError {
  return new PlatformError('CLOSED', `Cannot ${act}: the platform is closed`)
}
