import { stat } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { serve, type RunningServer } from '@cordon/adapters/node'
import { isRecord, type InvocationRecord, type Platform } from '@cordon/contracts'
import type { CommandContext } from '../commands/command.ts'
import { functionPath } from '../commands/command.ts'
import { createEmbeddedClient } from '../client/embedded-client.ts'
import { describeFailure, usageFailure, type ExitCode } from '../exit-code.ts'
import { formatDiagnostics } from '../output/diagnostics.ts'
import { escapeLine } from '../output/escape.ts'
import { formatLogEntry } from '../output/log-line.ts'
import { formatProblem } from '../output/problem.ts'
import type { Terminal } from '../output/terminal.ts'
import { settingsOf } from '../settings.ts'
import { onStopSignal } from '../stop-signal.ts'
import { createDeployRequest } from '../upload/deploy-request.ts'
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
    const server = await serve(platform, { port: portOf(options.port), host: options.host, graceMs: requestGraceMs })
    await run({ terminal, platform, server, folder }, stopped.promise)
  } finally {
    await stopped.within(platform)
  }
  return 0
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
  const reloader = createReloader(folder, {
    deploy: (name, path) => deploy(session, { client, name, path }),
    async remove(name) {
      await client.request(functionPath(name), { method: 'DELETE' })
      terminal.print(`${terminal.colors.yellow('removed')} ${name}`)
    },
    note: (sentence) => terminal.note(terminal.colors.yellow(escapeLine(sentence))),
  })
  const stopLogs = showActivity(session, following.signal)
  const watcher = await watch(folder, (path) => reloader.changed(path))
  await Promise.race([reloader.start(), stopped])
  terminal.print(`${terminal.colors.bold('ready')} ${server.url}  (functions at /fn/<name>, Ctrl-C stops)`)
  await stopped
  following.abort()
  stopLogs()
  await Promise.all([watcher.close(), server.close(), reloader.close()])
}

async function deploy(
  { terminal, server }: Session,
  { client, name, path }: { client: ReturnType<typeof createEmbeddedClient>; name: string; path: string },
): Promise<ReadonlySet<string>> {
  const started = performance.now()
  try {
    const { init, sources } = await createDeployRequest(path, { name })
    const response = await client.request(functionPath('deploy'), init())
    const body: unknown = await response.json()
    if (!response.ok) {
      terminal.note(formatProblem(body, terminal))
      return sources
    }
    const diagnostics = isRecord(body) ? formatDiagnostics(body['diagnostics'], terminal) : ''
    if (diagnostics !== '') terminal.note(diagnostics)
    terminal.print(
      `${terminal.colors.green('deployed')} ${name} ${terminal.colors.dim(`in ${Math.round(performance.now() - started)} ms`)}  ${server.url}/fn/${name}`,
    )
    return sources
  } catch (error) {
    terminal.note(terminal.colors.red(escapeLine(describeFailure(error).message)))
    // The function stays as it is until its own file is saved again.
    return new Set([path])
  }
}

/** Prints logs and calls as they come; the returned function stops that. */
function showActivity({ terminal, platform }: Session, signal: AbortSignal): () => void {
  async function follow(): Promise<void> {
    for await (const entry of platform.logs(undefined, { follow: true, since: Date.now(), signal })) terminal.print(formatLogEntry(entry, terminal))
  }
  follow().catch((error: unknown) => {
    if (!signal.aborted) terminal.note(escapeLine(describeFailure(error).message))
  })
  return platform.on('invocation', (record) => terminal.print(formatCall(record, terminal)))
}

function formatCall(record: InvocationRecord, { colors }: Terminal): string {
  const time = colors.dim(`${record.durationMs.toFixed(1)} ms${record.coldStart ? ', cold' : ''}`)
  if (record.outcome === 'success') return `${colors.dim('call')} ${colors.cyan(record.function)} ${time}`
  return `${colors.dim('call')} ${colors.cyan(record.function)} ${colors.red(record.outcome)} ${escapeLine(record.message ?? '')} ${time}`
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
