import { resolve } from 'node:path'
import { defaultDataDir, urlOf } from '../client/connect.ts'
import { createHttpClient } from '../client/http-client.ts'
import type { Check, Finding, Place } from '../doctor/finding.ts'
import { describeFailure, type ExitCode } from '../exit-code.ts'
import { escapeLine } from '../output/escape.ts'
import type { Terminal } from '../output/terminal.ts'
import { settingsOf } from '../settings.ts'
import type { CommandContext } from './command.ts'

/** Name of what is looked at -> the check, loaded only now: what cannot even be loaded is a finding, too. */
type Checks = Readonly<Record<string, () => Promise<Check>>>

const machineChecks: Checks = {
  node: async () => (await import('../doctor/node.ts')).checkNode,
  memory: async () => (await import('../doctor/resources.ts')).checkResources,
}

const localChecks: Checks = {
  packages: async () => (await import('../doctor/node.ts')).checkPackages,
  sandbox: async () => (await import('../doctor/sandbox.ts')).checkSandbox,
  data: async () => (await import('../doctor/data-dir.ts')).checkDataDir,
  database: async () => (await import('../doctor/database.ts')).checkDatabase,
  port: async () => (await import('../doctor/port.ts')).checkPort,
}

/** `cordon doctor`: what is well and what is not, each with what to do. Exit code 1 when something is an error. */
export async function doctor(context: CommandContext): Promise<ExitCode> {
  const findings: Finding[] = []
  const isJson = context.options.json === true
  function add(found: readonly Finding[]): void {
    findings.push(...found)
    // As they come: some take seconds.
    if (!isJson) for (const one of found) context.terminal.print(formatFinding(one, context.terminal))
  }
  async function look(name: string, load: () => Promise<Check>, place: Place): Promise<void> {
    context.terminal.status(`Looking at ${name}`)
    try {
      add(await (await load())(place))
    } catch (error) {
      add([failed(name === 'database' && place.databaseUrl !== undefined ? 'server' : name, error)])
    }
  }

  const nowhere = { dataDir: resolve(context.options.dataDir ?? defaultDataDir), databaseUrl: undefined }
  for (const [name, load] of Object.entries(machineChecks)) await look(name, load, nowhere)
  // Where these are wrong, Node itself ends in the middle of the others.
  if (findings.every(({ state }) => state !== 'error')) {
    const url = urlOf(context)
    if (url === undefined) {
      const place = await readSettings(context, add, nowhere)
      for (const [name, load] of Object.entries(localChecks)) await look(name, load, place)
    } else {
      const { checkRemote } = await import('../doctor/remote.ts')
      add(await checkRemote(createHttpClient(url), url.url))
    }
  }
  context.terminal.status()
  const counted = (state: Finding['state']): number => findings.filter((one) => one.state === state).length
  if (isJson) context.terminal.print(JSON.stringify({ ok: counted('error') === 0, findings }))
  else context.terminal.print(`\n${counted('ok')} ok, ${counted('warn')} to look at, ${counted('error')} wrong`)
  return counted('error') === 0 ? 0 : 1
}

async function readSettings(context: CommandContext, add: (found: readonly Finding[]) => void, nowhere: Place): Promise<Place> {
  try {
    const settings = await settingsOf(context)
    settings.effective()
    add([{ check: 'settings', state: 'ok', message: settings.file === undefined ? 'no config file; defaults and environment' : settings.file }])
    const { dataDir, databaseUrl } = settings.options
    return { dataDir: dataDir === undefined ? nowhere.dataDir : resolve(dataDir), databaseUrl }
  } catch (error) {
    add([failed('settings', error)])
    return nowhere
  }
}

/** What to do where the message does not say it. */
const remedies: Readonly<Record<string, string>> = {
  settings: 'Correct it there; cordon config shows all options and where they come from',
  packages: 'Install the packages again: rm -r node_modules, then npm install',
  server: 'Check databaseUrl (CORDON_DATABASE_URL), and that this server runs and lets this machine in',
}

function failed(check: string, error: unknown): Finding {
  const { message } = describeFailure(error)
  const remedy = remedies[/Cannot find (module|package)/.test(message) ? 'packages' : check]
  return { check, state: 'error', message, ...(remedy === undefined ? {} : { remedy }) }
}

function formatFinding({ check, state, message, remedy }: Finding, { colors }: Terminal): string {
  const paint = state === 'ok' ? colors.green : state === 'warn' ? colors.yellow : colors.red
  const line = `${paint(state.padEnd(5))} ${colors.bold(check.padEnd(9))} ${escapeLine(message)}`
  return remedy === undefined ? line : `${line}\n${' '.repeat(16)}${colors.cyan(escapeLine(remedy))}`
}
