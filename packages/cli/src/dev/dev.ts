import { stat } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { serve, type RunningServer } from '@cordon/adapters/node'
import { isRecord, PlatformError, type Platform } from '@cordon/contracts'
import type { CommandContext } from '../commands/command.ts'
import { functionPath } from '../commands/command.ts'
import type { Client } from '../client/client.ts'
import { createEmbeddedClient } from '../client/embedded-client.ts'
import { describeFailure, usageFailure, type ExitCode } from '../exit-code.ts'
import { formatDiagnostics } from '../output/diagnostics.ts'
import { escapeLine } from '../output/escape.ts'
import { formatProblem } from '../output/problem.ts'
import type { Terminal } from '../output/terminal.ts'
import { settingsOf } from '../settings.ts'
import { onStopSignal } from '../stop-signal.ts'
import { createDeployRequest } from '../upload/deploy-request.ts'
import { formatFunctions, noteMissingSecrets, showActivity } from './activity.ts'
import { createReloader } from './reloader.ts'

/** Options of `cordon dev`. */
export interface DevOptions {
  readonly port?: string | undefined
  readonly host?: string | undefined
}

/** A stop takes two seconds at most; after this time what still runs is killed. In milliseconds. */
const gracefulStopMs = 1400
/** Of which requests have this much; an idle connection of a browser waits as long. In milliseconds. */
const requestGraceMs = 500
/** A start cannot be stopped half-way, only left: the reaper then ends what it has started. In milliseconds. */
const lastResortMs = 1600

/** `cordon dev [folder]`: deploys every function of a folder, serves them on one port and reloads on save, until Ctrl-C. */
export async function dev(context: CommandContext, given: string | undefined, options: DevOptions): Promise<ExitCode> {
  const { terminal } = context
  const folder = resolve(given ?? ((await isFolder('functions')) ? 'functions' : '.'))
  if (!(await isFolder(folder))) throw usageFailure(`Cannot serve "${given}": there is no such folder`)
  // Before Ctrl-C is taken over: a config file that hangs can be interrupted.
  const settings = await settingsOf(context)
  const stopped = stopRequest()
  const { createPlatform } = await import('@cordon/core')
  const platform = await createPlatform(settings.options)
  try {
    const server = await listen(platform, options)
    await run({ terminal, platform, server, folder }, stopped.promise)
  } finally {
    await stopped.within(platform)
  }
  return 0
}

async function listen(platform: Platform, { port, host }: DevOptions): Promise<RunningServer> {
  try {
    return await serve(platform, { port: portOf(port), host, graceMs: requestGraceMs })
  } catch (error) {
    if (error instanceof PlatformError && error.details['option'] === 'port') throw usageFailure(`${error.message}: cordon dev --port <port>`)
    throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true
}

interface Session {
  readonly terminal: Terminal
  readonly platform: Platform
  readonly server: RunningServer
  readonly folder: string
}

async function run(session: Session, stopped: Promise<void>): Promise<void> {
  const { terminal, platform, server, folder } = session
  const following = new AbortController()
  const client = createEmbeddedClient(platform)
  let isReady = false
  const reloader = createReloader(folder, {
    deploy: (name, path) => deploy(session, { client, name, path, isReady }),
    async remove(name) {
      await client.request(functionPath(name), { method: 'DELETE' })
      terminal.print(`${terminal.colors.yellow('removed')} ${name}`)
    },
    note: (sentence) => terminal.note(terminal.colors.yellow(escapeLine(sentence))),
  })
  const stopLogs = showActivity(session, following.signal)
  const watcher = await watch(folder, (path) => reloader.changed(path))
  await Promise.race([reloader.start(), stopped])
  isReady = true
  terminal.print(await formatFunctions({ ...session, url: server.url }))
  terminal.print(`${terminal.colors.bold('ready')} ${server.url}  (functions at /fn/<name>, Ctrl-C stops)`)
  await stopped
  following.abort()
  stopLogs()
  await Promise.all([watcher.close(), server.close(), reloader.close()])
}

async function deploy(
  { terminal, server, platform }: Session,
  { client, name, path, isReady }: { client: Client; name: string; path: string; isReady: boolean },
): Promise<ReadonlySet<string>> {
  const started = performance.now()
  terminal.status(`Deploying ${name}`)
  try {
    const { init, sources } = await createDeployRequest(path, { name })
    const response = await client.request(functionPath('deploy'), init())
    const body: unknown = await response.json()
    if (!response.ok) {
      terminal.note(formatProblem(body, terminal))
      return sources
    }
    await noteMissingSecrets({ terminal, platform }, body)
    const diagnostics = isRecord(body) ? formatDiagnostics(body['diagnostics'], terminal) : ''
    if (diagnostics !== '') terminal.note(diagnostics)
    const took = terminal.colors.dim(`in ${Math.round(performance.now() - started)} ms`)
    // The first ones are told in one table.
    if (isReady) terminal.print(`${terminal.colors.green('deployed')} ${name} ${took}  ${server.url}/fn/${name}`)
    return sources
  } catch (error) {
    terminal.note(terminal.colors.red(escapeLine(describeFailure(error).message)))
    // The function stays as it is until its own file is saved again.
    return new Set([path])
  }
}

async function watch(folder: string, changed: (path: string) => void): Promise<{ close(): Promise<void> }> {
  const { watch: start } = await import('chokidar')
  const watcher = start(folder, { ignoreInitial: true, ignored: (path) => isIgnored(relative(folder, path)) })
  watcher.on('all', (_event, path) => changed(path))
  // A folder that cannot be watched any more is no reason to stop serving.
  watcher.on('error', () => undefined)
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()))
  return watcher
}

function isIgnored(path: string): boolean {
  return path.split(sep).some((part) => part === 'node_modules' || (part.startsWith('.') && part !== '.' && part !== '..'))
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,5}$/.test(text)) throw usageFailure(`Cannot use --port "${text}": expected a number`)
  return Number(text)
}

/** Ctrl-C: the first asks politely, a second one does not wait. */
function stopRequest(): { promise: Promise<void>; within(platform: Platform): Promise<void> } {
  let isAsked = false
  let force: () => void = () => process.exit(130)
  let deadline = 0
  const promise = new Promise<void>((resolve) => {
    onStopSignal(() => {
      if (isAsked) return force()
      isAsked = true
      deadline = performance.now() + gracefulStopMs
      setTimeout(() => process.exit(130), lastResortMs).unref()
      resolve()
    })
  })
  return {
    promise,
    async within(platform) {
      const left = isAsked ? Math.max(0, deadline - performance.now()) : gracefulStopMs
      const timer = setTimeout(() => force(), left)
      force = () => void platform.destroy()
      await platform.close()
      clearTimeout(timer)
    },
  }
}
