import type { PlatformOptions, Logger, Platform, ResolvedPlatformOptions } from '@cordon/contracts'
import { prepareDataDir } from '../data-dir/data-dir.ts'
import { createLogger } from '../observe/create-logger.ts'
import { EventHub } from './events.ts'
import { PlatformHandle } from './handle.ts'
import { defaultTenant, startHost, type Host } from './host.ts'

interface SharedHost {
  readonly options: ResolvedPlatformOptions
  readonly logger: Logger
  readonly starting: Promise<Host>
  handles: number
  /** Set when the last handle is gone. */
  stopping: Promise<void> | undefined
}

const key = Symbol.for('cordon.hosts')
const holder = globalThis as typeof globalThis & { [key]?: Map<string, SharedHost> }

/** The hosts of this process by data directory. On `globalThis`, because a framework that reloads its modules loads this one again. */
function sharedHosts(): Map<string, SharedHost> {
  holder[key] ??= new Map()
  return holder[key]
}

/** Gives a handle on the host of a data directory (or database), starting it if this process has none. */
export async function attach(options: ResolvedPlatformOptions): Promise<Platform> {
  const hosts = sharedHosts()
  // By its real path: two spellings of one directory would wait for each other's lock.
  const id = options.databaseUrl ?? (await prepareDataDir(options.dataDir))
  for (let known = hosts.get(id); known !== undefined; known = hosts.get(id)) {
    if (known.stopping === undefined) return join(id, known, options)
    await known.stopping
  }
  const logger = createLogger(options)
  const events = new EventHub((error) => logger.error({}, error.message))
  const shared: SharedHost = { options, logger, starting: startHost(options, events, logger), handles: 0, stopping: undefined }
  hosts.set(id, shared)
  shared.starting.catch(() => {
    if (hosts.get(id) === shared) hosts.delete(id)
  })
  return handleOf(id, shared)
}

async function join(id: string, shared: SharedHost, options: ResolvedPlatformOptions): Promise<Platform> {
  if (describeOptions(shared.options) !== describeOptions(options)) {
    shared.logger.warn(
      { dataDir: options.dataDir },
      'The platform of this data directory already runs in this process: it keeps the options it was started with',
    )
  }
  return handleOf(id, shared)
}

async function handleOf(id: string, shared: SharedHost): Promise<Platform> {
  // Counted before the wait, so that a handle closed meanwhile does not stop the host under this one.
  shared.handles += 1
  const host = await shared.starting
  let isReleased = false
  const release = async (isForced: boolean): Promise<void> => {
    if (!isReleased) {
      isReleased = true
      shared.handles -= 1
    }
    if (shared.handles > 0) return
    const stopping = host.stop(isForced)
    shared.stopping ??= stopping.finally(() => sharedHosts().delete(id))
    await shared.stopping
  }
  return new PlatformHandle(host, { tenant: host.tenant(defaultTenant), release })
}

/** What of the options can be compared. */
function describeOptions({ logger: _logger, authenticate: _authenticate, dataDir: _dataDir, ...plain }: ResolvedPlatformOptions): string {
  return JSON.stringify(plain satisfies PlatformOptions)
}
