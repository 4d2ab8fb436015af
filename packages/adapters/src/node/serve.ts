import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { integer, invalidOption, isRecord, PlatformError, readGiven, resolveOptions, text, toPlatformError, type Platform } from '@cordon/contracts'
import { createFactHandler, type FactHandler, type HandlerOptions } from '../handler.ts'
import { problemResponse } from '../routes/problem.ts'
import { removeHostFile, writeHostFile } from './host-file.ts'
import { answer } from './node-adapter.ts'
import { bearerOf, withoutToken } from './owner.ts'
import { metricsPath } from '../routes/metrics-route.ts'
import { checkSameSite, isLoopbackHost } from './same-site.ts'

/** Options of the stand-alone server. */
export interface ServeOptions extends HandlerOptions {
  /** 0 takes any free port. @default 8080 */
  readonly port?: number | undefined
  /** Address to listen on. @default '127.0.0.1' */
  readonly host?: string | undefined
  /** Where `host.json` is written. @default the data directory of the platform */
  readonly dataDir?: string | undefined
}

/** A running stand-alone server. The platform is not its own: closing the server leaves it open. */
export interface RunningServer extends AsyncDisposable {
  /** `http://127.0.0.1:8080`, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** Bearer token of `/api`, also in `<dataDir>/host.json`. */
  readonly token: string
  /** Takes nothing new, gives running requests a second, then cuts them. Idempotent. */
  close(): Promise<void>
}

/** The port that the documents name for the stand-alone server. */
const defaultPort = 8080
const maxPort = 65_535
/** Time for running requests when the server closes, in milliseconds; a stop by Ctrl-C has two seconds in all. */
const closeGraceMs = 1000

/**
 * Serves the HTTP API on a port of its own. Without `authenticate`, `/api` asks for the token of `host.json`.
 *
 * @throws PlatformError INVALID_OPTION when the port is taken or the address cannot be used
 */
export async function serve(platform: Platform, options: ServeOptions = {}): Promise<RunningServer> {
  const { own, handlerOptions } = resolveServeOptions(platform, options)
  const { port, host, dataDir } = own
  const token = randomBytes(24).toString('base64url')
  let closing: Promise<void> | undefined
  const handle = guarded(platform, { handlerOptions, token, host, isClosing: () => closing !== undefined })
  const server = createServer((incoming, outgoing) => void answer(handle, incoming, outgoing))
  const bound = await listen(server, { port, host })
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${bound}`
  try {
    await writeHostFile(dataDir, { pid: process.pid, url, token })
  } catch (error) {
    server.close()
    throw toPlatformError(error, 'INVALID_OPTION', `write host.json to "${dataDir}"`)
  }
  async function close(): Promise<void> {
    await removeHostFile(dataDir, token)
    await stop(server)
  }
  const running: RunningServer = {
    url,
    port: bound,
    token,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => running.close(),
  }
  return running
}

function resolveServeOptions(platform: Platform, options: ServeOptions) {
  const given = readGiven('options', () => (isRecord(options) ? { ...options } : undefined))
  if (given === undefined) throw invalidOption('options', 'an object', options)
  const { port, host, dataDir, ...handlerOptions } = given
  const table = {
    port: integer(defaultPort, { min: 0, max: maxPort }),
    host: text('127.0.0.1'),
    dataDir: text(platform.options.dataDir),
  }
  return { own: resolveOptions<{ port: number; host: string; dataDir: string }>(table, { port, host, dataDir }), handlerOptions }
}

function guarded(platform: Platform, given: { handlerOptions: HandlerOptions; token: string; host: string; isClosing: () => boolean }): FactHandler {
  const { handlerOptions, token, host, isClosing } = given
  const authenticate = handlerOptions.authenticate ?? platform.options.authenticate ?? bearerOf(token)
  const isHostsOwn = handlerOptions.authenticate !== undefined || platform.options.authenticate !== undefined
  const internals = { redact: withoutToken(token), isClosing, hasOpenMetrics: !isHostsOwn && isLoopbackHost(host) }
  const handle = createFactHandler(platform, { ...handlerOptions, authenticate }, internals)
  // Unlike the paths of functions, these are the owner's, or there for programs only.
  const guardedPaths = ['/api', '/mcp', metricsPath].map((path) => `${handlerOptions.basePath ?? ''}${path}`)
  return async (request, facts) => {
    try {
      const { pathname } = new URL(request.url)
      if (guardedPaths.some((path) => pathname.startsWith(path))) checkSameSite(request, host)
    } catch (error) {
      return problemResponse(error, { forOwner: true })
    }
    return handle(request, facts)
  }
}

function listen(server: Server, { port, host }: { port: number; host: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(error, port, host)))
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

function cannotListen(error: Error, port: number, host: string): PlatformError {
  const code = isRecord(error) ? error['code'] : undefined
  const reason =
    code === 'EADDRINUSE'
      ? 'another program uses this port. Stop it, or choose another port'
      : code === 'EACCES'
        ? 'this port needs privileges. Choose a port above 1023'
        : error.message
  return new PlatformError('INVALID_OPTION', `Cannot listen on ${host}:${port}: ${reason}`, { details: { option: 'port', port, host }, cause: error })
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), closeGraceMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
