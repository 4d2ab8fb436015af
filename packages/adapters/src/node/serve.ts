import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import {
  integer,
  invalidOption,
  isRecord,
  optional,
  PlatformError,
  readGiven,
  resolveOptions,
  text,
  toPlatformError,
  type Authenticate,
  type OptionTable,
  type Platform,
} from '@cordon/contracts'
import { resolveHttp } from '../guard/http-options.ts'
import { createFactHandler, type FactHandler, type HandlerInternals } from '../handler.ts'
import type { HandlerOptions } from '../handler-options.ts'
import { locationOf } from '../late/real.ts'
import { problemResponse } from '../routes/problem.ts'
import { followConnections, type DrainOptions } from './connections.ts'
import { forwardedChanges } from './forwarded.ts'
import { removeHostFile, writeHostFile } from './host-file.ts'
import { isLoopbackAddress, listen, type ListenPlace } from './listen.ts'
import { answer } from './node-adapter.ts'
import { bearerOf, withoutToken } from './owner.ts'
import { metricsPath } from '../routes/metrics-route.ts'
import { checkHost } from './loopback-host.ts'

/** Options of the stand-alone server. */
export interface ServeOptions extends HandlerOptions {
  /** 0 takes any free port. @default the option `http.port`, 8080 */
  readonly port?: number | undefined
  /** Address to listen on. One that other machines can reach needs `authenticate`. @default the option `http.host`, '127.0.0.1' */
  readonly host?: string | undefined
  /** Descriptor of a TCP socket that listens already, as systemd passes one on, instead of `port` and `host`. @default none */
  readonly fd?: number | undefined
  /** Where `host.json` is written. @default the data directory of the platform */
  readonly dataDir?: string | undefined
  /** When the server closes: time in milliseconds for which it is unready and still takes everything. @default the option `http.noticeMs`, 0 */
  readonly noticeMs?: number | undefined
  /** When the server closes: time in milliseconds after which running requests are cut. @default the option `http.graceMs`, 10000 */
  readonly graceMs?: number | undefined
}

/** A running stand-alone server. The platform is not its own: closing the server leaves it open. */
export interface RunningServer extends AsyncDisposable {
  /** `http://127.0.0.1:8080`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** Bearer token of `/api`, also in `<dataDir>/host.json`. */
  readonly token: string
  /**
   * Loses no request: `/health/ready` says 503 and every answer `Connection: close`, then nothing new is taken, then what still runs after `graceMs` is cut.
   * Resolves with the number of requests that were cut. Idempotent.
   */
  close(): Promise<number>
  /** Cuts everything now, also where `close` waits. Idempotent. */
  destroy(): Promise<number>
}

/** Above any descriptor that Linux gives by default (`fs.nr_open`). */
const maxDescriptor = 1_048_576
/** Longest timer of Node, in milliseconds. */
const maxTimerMs = 2_147_483_647
/** How late a timeout of the server may be noticed at most, in milliseconds; Node's own is 30 s. */
const maxCheckMs = 2000

/**
 * Serves the HTTP API on a port of its own. Without `authenticate`, `/api` asks for the token of `host.json`.
 *
 * @throws PlatformError INVALID_OPTION when the port is taken or the address cannot be used, or others can reach it and there is no `authenticate`
 */
export async function serve(platform: Platform, options: ServeOptions = {}): Promise<RunningServer> {
  const { own, handlerOptions } = resolveServeOptions(platform, options)
  const token = randomBytes(24).toString('base64url')
  const closing = new AbortController()
  let closed: Promise<number> | undefined
  let listensOn = own.host
  const handle = guarded(platform, {
    handlerOptions,
    internals: { authenticate: bearerOf(token, own.authenticate), redact: withoutToken(token), closing: closing.signal },
    listensOn: () => listensOn,
    isForThisMachine: own.authenticate === undefined,
  })
  const { trustProxy, headersTimeoutMs, requestTimeoutMs } = resolveHttp(platform, handlerOptions)
  // Node accepts no shorter time for the whole than for a part.
  const headersTimeout = Math.min(headersTimeoutMs, requestTimeoutMs)
  const timeouts = { headersTimeout, requestTimeout: requestTimeoutMs, connectionsCheckingInterval: Math.min(headersTimeout, maxCheckMs) }
  const server = createServer(timeouts, (incoming, outgoing) => void answer(handle, incoming, outgoing, () => forwardedChanges(incoming, trustProxy)))
  const connections = followConnections(server)
  const { port, host, address } = await listen(server, own)
  listensOn = host
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (own.authenticate === undefined && !isLoopbackAddress(address)) {
    server.close()
    throw notForOthers(host, port)
  }
  try {
    await writeHostFile(own.dataDir, { pid: process.pid, url, token })
  } catch (error) {
    server.close()
    throw toPlatformError(error, 'INVALID_OPTION', `write host.json to "${own.dataDir}"`)
  }
  async function close(): Promise<number> {
    closing.abort()
    const cut = await connections.drain(own)
    await removeHostFile(own.dataDir, token)
    return cut
  }
  const running: RunningServer = {
    url,
    port,
    token,
    close: () => (closed ??= close()),
    destroy() {
      connections.hasten()
      return running.close()
    },
    [Symbol.asyncDispose]: async () => void (await running.close()),
  }
  return running
}

function resolveServeOptions(platform: Platform, options: ServeOptions) {
  const given = readGiven('options', () => (isRecord(options) ? { ...options } : undefined))
  if (given === undefined) throw invalidOption('options', 'an object', options)
  const { port, host, fd, dataDir, authenticate, noticeMs, graceMs, ...handlerOptions } = given
  const http = resolveHttp(platform, given)
  const table: OptionTable<OwnOptions> = {
    port: integer(http.port, { min: 0, max: 65_535 }),
    host: text(http.host),
    fd: { ...integer(0, { min: 0, max: maxDescriptor }), default: () => undefined },
    dataDir: text(platform.options.dataDir),
    authenticate: {
      ...optional('a function', (value): value is Authenticate => typeof value === 'function'),
      default: () => platform.options.authenticate,
    },
    noticeMs: integer(http.noticeMs, { min: 0, max: maxTimerMs }),
    graceMs: integer(http.graceMs, { min: 0, max: maxTimerMs }),
  }
  return { own: resolveOptions(table, { port, host, fd, dataDir, authenticate, noticeMs, graceMs }), handlerOptions }
}

interface OwnOptions extends ListenPlace, DrainOptions {
  readonly dataDir: string
  readonly authenticate: Authenticate | undefined
}

interface GuardParts {
  readonly handlerOptions: HandlerOptions
  readonly internals: HandlerInternals
  readonly listensOn: () => string
  /** Whether it listens where only this machine reaches it: so it does without `authenticate`. */
  readonly isForThisMachine: boolean
}

function guarded(platform: Platform, { handlerOptions, internals, listensOn, isForThisMachine }: GuardParts): FactHandler {
  const handle = createFactHandler(platform, handlerOptions, { ...internals, hasOpenMetrics: isForThisMachine })
  // A host that asks who it is may be reached by any name, through a proxy.
  if (!isForThisMachine) return handle
  // Unlike the paths of functions, these are the owner's, or there for programs only.
  const guardedPaths = ['/api', '/mcp', metricsPath].map((path) => `${handlerOptions.basePath ?? ''}${path}`)
  return async (request, facts) => {
    try {
      const { pathname } = locationOf(request)
      if (guardedPaths.some((path) => pathname.startsWith(path))) checkHost(request, listensOn())
    } catch (error) {
      return problemResponse(error, { forOwner: true })
    }
    return handle(request, facts)
  }
}

function notForOthers(host: string, port: number): PlatformError {
  return new PlatformError(
    'INVALID_OPTION',
    `Cannot listen on ${host}:${port}: without the option authenticate the server is for this machine only. Listen on 127.0.0.1 behind a proxy, or give authenticate`,
    { details: { option: 'host', port, host } },
  )
}
