import { serve as listen, type RunningServer } from '@cordon/adapters/node'
import type { Platform } from '@cordon/contracts'
import type { CommandContext } from '../commands/command.ts'
import { usageFailure, type ExitCode } from '../exit-code.ts'
import { escapeLine } from '../output/escape.ts'
import type { Terminal } from '../output/terminal.ts'
import { serverSettingsOf } from '../settings.ts'
import { onStopSignal } from '../stop-signal.ts'
import { takeInheritedSocket } from './inherited-socket.ts'

/** Options of `cordon serve`. */
export interface ServeCommandOptions {
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly databaseUrl?: string | undefined
}

/**
 * `cordon serve`: the platform with its HTTP API, until SIGTERM, SIGINT or SIGHUP. A first signal stops without losing a request, a second one at once. Before it is
 * ready a signal ends the process, and the reaper what it has started. Exit code 1 says that requests were cut.
 */
export async function serve({ terminal, options: global }: CommandContext, options: ServeCommandOptions): Promise<ExitCode> {
  if (global.url !== undefined) throw usageFailure('Cannot serve with --url: it names a platform elsewhere')
  const inherited = takeInheritedSocket(process.env, process.pid)
  if (inherited.warning !== undefined) terminal.note(terminal.colors.yellow(escapeLine(inherited.warning)))
  const settings = await serverSettingsOf({ terminal, options: global }, { databaseUrl: options.databaseUrl, http: placeOf(options) })
  const { createPlatform } = await import('@cordon/core')
  const platform = await createPlatform(settings.options)
  const server = await listen(platform, { fd: inherited.fd }).catch(async (error: unknown) => {
    await platform.close()
    throw error
  })
  const signals = stopSignals(() => void Promise.all([server.destroy(), platform.destroy()]))
  terminal.print(readyLine(terminal, global.json === true, server, platform))
  return stop({ terminal, server, platform }, await signals.first)
}

function placeOf(options: ServeCommandOptions): { port?: number; host?: string } {
  const port = portOf('--port', options.port) ?? portOf('the variable PORT', portVariable())
  return { ...(port === undefined ? {} : { port }), ...(options.host === undefined ? {} : { host: options.host }) }
}

/** What hosting services give; the variable of the option itself wins. */
function portVariable(): string | undefined {
  return (process.env['CORDON_HTTP_PORT'] ?? '') === '' ? process.env['PORT'] : undefined
}

function portOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (!/^\d{1,5}$/.test(text)) throw usageFailure(`Cannot use ${name} "${text}": expected a number`)
  return Number(text)
}

function readyLine({ colors }: Terminal, isJson: boolean, { url }: RunningServer, platform: Platform): string {
  const { level } = platform.stats().sandbox
  if (isJson) return JSON.stringify({ url, pid: process.pid, sandbox: level })
  return `${colors.bold('ready')} ${url}  (functions at /fn/<name>, sandbox level ${level}, process ${process.pid})`
}

/** The name of the first signal; `force` is called at every further one. */
function stopSignals(force: () => void): { readonly first: Promise<string> } {
  let isAsked = false
  const first = new Promise<string>((resolve) => {
    onStopSignal((signal) => {
      if (isAsked) return force()
      isAsked = true
      resolve(signal)
    })
  })
  return { first }
}

interface Session {
  readonly terminal: Terminal
  readonly server: RunningServer
  readonly platform: Platform
}

async function stop({ terminal, server, platform }: Session, signal: string): Promise<ExitCode> {
  const { graceMs } = platform.options.http
  const started = performance.now()
  terminal.note(`stopping (${signal}): requests that run have ${graceMs / 1000} s; a second signal stops at once`)
  const cut = await server.close()
  // Calls of functions by functions, and what is left of those whose client went away.
  const timer = setTimeout(() => void platform.destroy(), graceMs)
  await platform.close()
  clearTimeout(timer)
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`
  terminal.note(cut === 0 ? `stopped after ${seconds}, every request was answered` : `stopped after ${seconds}, ${cut} running requests were cut`)
  return cut === 0 ? 0 : 1
}
