import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import {
  PlatformError,
  type Executor,
  type FunctionDatabase,
  type Logger,
  type PlatformHealth,
  type PlatformStats,
  type ResolvedPlatformOptions,
  type SandboxEvent,
} from '@cordon/contracts'
import type { ProcessReaper } from '@cordon/executor'
import type { PooledFunctionDatabase, SqlConnection, SqlListener, SqlPool } from '@cordon/pool'
import { lockDataDir } from '../data-dir/lock.ts'
import { ScheduledBackups } from '../backup/scheduled-backups.ts'
import { prepareDataDir } from '../data-dir/data-dir.ts'
import { Egress, type RequestSenders } from '../egress/egress.ts'
import { ChangeFollower } from '../hosts/change-follower.ts'
import { RecordBuffer } from '../records/record-buffer.ts'
import { RecordRetention } from '../records/record-retention.ts'
import { BundleCache } from '../registry/bundle-cache.ts'
import { changeChannel, newestPlace, type ChangeCursor } from '../store/change-log.ts'
import type { StoredFunction } from '../store/function-store.ts'
import { SecretStore } from '../store/secret-store.ts'
import { Vault } from '../secrets/vault.ts'
import { loadFunctions } from '../store/load-functions.ts'
import { migrate } from '../store/migrate.ts'
import { RecordPartitions } from '../store/record-partitions.ts'
import { RecordWriter } from '../store/record-writer.ts'
import { openDatabase } from './database.ts'
import type { EventHub } from './events.ts'
import type { HostParts } from './host-parts.ts'
import { LazyAnalyzer } from './lazy-analyzer.ts'
import { busiest } from '../observe/busiest.ts'
import { Meters } from '../observe/meters.ts'
import { Metrics } from '../observe/metrics.ts'
import { DatabaseProbe, probeTimeoutMs } from '../observe/database-probe.ts'
import type { SharedParts, TenantParts } from './tenant-parts.ts'
import { Teardown } from './teardown.ts'
import { Tenants } from './tenants.ts'

/** The tenant of whoever names none. */
export const defaultTenant = 'default'
/** Connections of the store: deployments and queries from callers, and one batch of records. */
const storeConnections = 5
/** Longest wait for a connection, and longest statement of the store, in milliseconds. */
const storeTimeouts = { acquireTimeoutMs: 5000, queryTimeoutMs: 15_000 }
/** Of the connection that asks whether the database answers, in milliseconds. */
const probeTimeouts = { acquireTimeoutMs: probeTimeoutMs, queryTimeoutMs: probeTimeoutMs }
/** Longest step of a migration, or wait for another host that migrates, in milliseconds: old records may have to be copied. */
const migrationTimeoutMs = 600_000
const threadWarning =
  "Functions run in threads of this process (isolation: 'thread'), which is no wall: deploy only what this application itself ships; see docs/guides/isolation.md"

/** A started platform: its parts, wired. Handles of the public interface stand in front of it. */
export interface Host {
  readonly options: ResolvedPlatformOptions
  /** Sandboxes, slow queries and warnings of all tenants. */
  readonly events: EventHub
  readonly buffer: RecordBuffer
  readonly tenants: Tenants
  readonly vault: Vault
  readonly database: FunctionDatabase
  /** The parts of a tenant, which need not have anything yet. */
  tenant(id: string): TenantParts
  stats(): PlatformStats
  /** Of a host that is not stopping. */
  health(): Promise<PlatformHealth>
  /** In the text format of Prometheus. */
  metrics(): Promise<string>
  /** Graceful, or forceful when `isForced`; forceful also hastens a graceful stop that is under way. Never rejects. */
  stop(isForced: boolean): Promise<void>
}

/** Starts everything; what was started is stopped again when one part fails. */
export async function startHost(options: ResolvedPlatformOptions, events: EventHub, logger: Logger, parts: HostParts = {}): Promise<Host> {
  let isForced = false
  const onError = (error: unknown): void =>
    logger.error({}, `Cannot stop a part of the platform: ${error instanceof Error ? error.message : String(error)}`)
  const teardown = new Teardown(onError)
  const { temporary } = parts
  if (temporary !== undefined) teardown.add(() => rm(temporary.directory, { recursive: true, force: true, maxRetries: 10 }))
  try {
    if (options.databaseUrl === undefined) {
      const dataDir = await prepareDataDir(options.dataDir)
      const lock = await lockDataDir(dataDir)
      teardown.add(() => lock.release())
    }
    const { createReaper } = await import('@cordon/executor')
    const reaper = createReaper({ temporary: temporary?.directory })
    teardown.add(() => reaper.close())
    const analyzer = new LazyAnalyzer(reaper, parts.wrapAnalyzer)
    teardown.add(() => (isForced ? analyzer.destroy() : analyzer.close()))
    const opening = openStore({ options, reaper, logger, events, teardown, temporary, isForced: () => isForced })
    const starting = startExecutor(options, reaper, events, logger)
    const [opened, started] = await Promise.allSettled([opening, starting])
    if (started.status === 'fulfilled') teardown.add(() => (isForced ? started.value.destroy() : started.value.close()))
    if (opened.status === 'rejected') throw opened.reason
    if (started.status === 'rejected') throw started.reason
    const executor = parts.wrapExecutor?.(started.value) ?? started.value
    const host = await assemble({ options, events, logger, executor, analyzer, teardown, egress: parts.egress, ...opened.value })
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

async function startExecutor(options: ResolvedPlatformOptions, reaper: ProcessReaper, events: EventHub, logger: Logger): Promise<Executor> {
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

async function openStore(parts: Parameters<typeof openDatabase>[0]): Promise<OpenedStore> {
  const { createSqlPool, createSqlListener, createFunctionDatabase } = await import('@cordon/pool')
  const connection = await openDatabase(parts)
  const sql = createSqlPool({ connection, max: storeConnections, ...storeTimeouts, applicationName: 'cordon' })
  parts.teardown.add(() => (parts.isForced() ? sql.destroy() : sql.close()))
  const probing = createSqlPool({ connection, max: 1, ...probeTimeouts, applicationName: 'cordon health' })
  parts.teardown.add(() => (parts.isForced() ? probing.destroy() : probing.close()))
  await migrateStore(connection)
  const database = createFunctionDatabase({
    admin: connection,
    ...parts.options.database,
    tenancy: parts.options.tenancy,
    onSlowQuery: (query) => parts.events.emit('slowQuery', query),
    logger: parts.logger,
  })
  parts.teardown.add(() => (parts.isForced() ? database.destroy() : database.close()))
  // In this order: what changes after the place was taken is applied once more.
  const start = await newestPlace(sql)
  const stored = await loadFunctions(sql)
  const listen: OpenedStore['listen'] = (onNotice, onListening) =>
    createSqlListener({ connection, channel: changeChannel, onNotice, onListening, applicationName: 'cordon changes' })
  return { connection, sql, database, probe: new DatabaseProbe(probing), start, stored, listen }
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

/** The database, opened and read. */
interface OpenedStore {
  readonly connection: SqlConnection
  readonly sql: SqlPool
  readonly database: PooledFunctionDatabase
  readonly probe: DatabaseProbe
  readonly start: ChangeCursor
  readonly stored: ReadonlyMap<string, readonly StoredFunction[]>
  readonly listen: (onNotice: (payload: string) => void, onListening: () => void) => SqlListener
}

interface AssembleParts extends OpenedStore {
  readonly options: ResolvedPlatformOptions
  readonly events: EventHub
  readonly logger: Logger
  readonly executor: Executor
  readonly analyzer: LazyAnalyzer
  readonly teardown: Teardown
  readonly egress: RequestSenders | undefined
}

async function assemble(parts: AssembleParts): Promise<Omit<Host, 'stop'>> {
  const { options, events, logger, executor, sql, database, teardown } = parts
  function onWarning(message: string, error?: PlatformError): void {
    logger.warn({}, message)
    events.emit('warning', error === undefined ? { message } : { message, error })
  }
  const partitions = new RecordPartitions(sql)
  const writer = new RecordWriter(sql, partitions)
  const retention = new RecordRetention({ partitions, options: options.records, onWarning })
  teardown.add(() => retention.close())
  const buffer = new RecordBuffer({
    write: (items) => writer.write(items),
    prune: () => retention.run(),
    onWarning,
  })
  const bundles = new BundleCache((place) => tenants.of(place.tenant).store.loadBundle(place.function, place.version))
  const host = randomBytes(8).toString('hex')
  const vault = new Vault({ store: new SecretStore(sql, host), keys: options.secretsKey, dataDir: options.dataDir, onWarning })
  await vault.open()
  const egress = parts.egress ?? new Egress({ allowPrivate: options.net.allowPrivate })
  teardown.add(() => egress.close())
  const meters = new Meters()
  events.on('slowQuery', () => meters.slowQueries++)
  const shared: SharedParts = { ...parts, host, bundles, buffer, meters, vault, egress }
  const tenants = new Tenants(shared, database)
  for (const [id, functions] of parts.stored) tenants.of(id).registry.load(functions)
  const backups = startBackups(parts, meters, onWarning)
  // The embedded database has one host.
  if (options.databaseUrl !== undefined) follow({ ...parts, host, tenants, onWarning })
  const stats = (): PlatformStats => ({ ...executor.stats(), functions: tenants.functionCount, pool: database.stats(), records: buffer.stats() })
  async function health(): Promise<PlatformHealth> {
    const checks = { platform: true, database: await parts.probe.isAnswering(), sandboxes: executor.stats().canStart }
    return { isReady: checks.database && checks.sandboxes, checks }
  }
  const metrics = new Metrics(async () => {
    const functions = busiest(tenants.functions(), options.metrics.functions)
    return { meters, stats: stats(), health: await health(), tenants: tenants.count, functions, lastBackupAt: backups?.lastAt }
  })
  return {
    // Whoever has the platform need not have the key, nor the password of the database.
    options: Object.freeze({ ...options, logger, secretsKey: undefined, databaseUrl: undefined }),
    events,
    buffer,
    tenants,
    vault,
    database,
    tenant: (id) => tenants.of(id),
    stats,
    health,
    metrics: () => metrics.text(),
  }
}

/** Backups that the host makes by itself, where it is to make any. */
function startBackups(
  { sql, connection, options, logger, teardown }: AssembleParts,
  meters: Meters,
  onWarning: (message: string, error: PlatformError) => void,
): ScheduledBackups | undefined {
  if (options.backup.directory === undefined) return undefined
  const backups = new ScheduledBackups({
    sql,
    connection,
    options: options.backup,
    onBackup(file, bytes) {
      meters.backups++
      logger.info({ file, bytes }, 'A backup was made')
    },
    onFailure(message, error) {
      meters.failedBackups++
      onWarning(message, error)
    },
  })
  teardown.add(() => backups.close())
  return backups
}

interface FollowParts extends AssembleParts {
  readonly host: string
  readonly tenants: Tenants
  readonly onWarning: (message: string) => void
}

function follow({ sql, host, start, listen, tenants, onWarning, teardown }: FollowParts): void {
  const follower = new ChangeFollower({
    sql,
    host,
    start,
    listen,
    apply: (change) => tenants.apply(change),
    applyAll: () => tenants.applyAll(),
    onWarning,
  })
  teardown.add(() => follower.close())
}

async function stopHost(
  { tenants, buffer }: Omit<Host, 'stop'>,
  executor: Executor,
  teardown: Teardown,
  onError: (error: unknown) => void,
  isForced: () => boolean,
): Promise<void> {
  const all = [...tenants.all()]
  await Promise.all(all.map(({ deployer }) => deployer.idle()))
  await (isForced() ? executor.destroy() : executor.close()).catch(onError)
  await Promise.all(all.map(({ invoker }) => invoker.idle()))
  for (const { feed } of all) feed.close()
  await buffer.close().catch(onError)
  await teardown.run()
}

/** What a call of a closed platform gets. */
export function closedError(act: string): PlatformError {
  return new PlatformError('CLOSED', `Cannot ${act}: the platform is closed`)
}
