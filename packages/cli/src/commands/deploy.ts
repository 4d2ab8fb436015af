import { isRecord } from '@cordon/contracts'
import { nameOf } from '@cordon/core/upload'
import type { Client } from '../client/client.ts'
import type { ExitCode } from '../exit-code.ts'
import { canAsk, confirm } from '../output/ask.ts'
import { formatCapabilities } from '../output/capabilities.ts'
import { formatDiagnostics } from '../output/diagnostics.ts'
import { escapeLine } from '../output/escape.ts'
import { createDeployRequest, type DeployOptions, type DeployRequest } from '../upload/deploy-request.ts'
import { functionPath, readReply, showReply, withClient, type Answer, type CommandContext, type Reply } from './command.ts'

/** Options of `cordon deploy`. */
export interface DeployCommandOptions extends Partial<DeployOptions> {
  /** Approves what the version may use beyond what the live one may, unseen. */
  readonly yes?: boolean | undefined
  readonly dryRun?: boolean | undefined
}

/** What one deployment is made with. */
interface Deploying {
  readonly context: CommandContext
  readonly name: string
  readonly request: DeployRequest
}

/**
 * `cordon deploy <path>`: makes a file, a folder or an archive the live version of a function. The platform itself refuses what may use more than the
 * live version as long as nobody has approved it, so nothing can change between the question and the deployment.
 */
export async function deploy(context: CommandContext, path: string, options: DeployCommandOptions): Promise<ExitCode> {
  const name = options.name ?? nameOf(path)
  context.terminal.status(`Reading ${path}`)
  // Read first: a wrong path is said without starting a database.
  const request = await createDeployRequest(path, { ...options, name })
  context.terminal.status('Opening the platform')
  const deploying = { context, name, request }
  return withClient(context, async (client) => (options.dryRun === true ? dryRun(deploying, client) : run(deploying, client, options.yes)))
}

const remedy = 'When the function shall be able to use what is new (+), deploy it with --yes'

async function run(deploying: Deploying, client: Client, isApproved = false): Promise<ExitCode> {
  const { context, name } = deploying
  const reply = await send(deploying, client, isApproved ? undefined : [])
  const growth = growthOf(reply)
  if (growth === undefined) return show(deploying, reply)
  const { terminal, options } = context
  if (options.json === true || !canAsk()) {
    const exitCode = show(deploying, reply)
    if (options.json !== true) terminal.note(['', ...formatCapabilities(growth.change, terminal), `Nothing was deployed. ${remedy}`].join('\n'))
    return exitCode
  }
  terminal.note([`${escapeLine(name)} would be able to use more than its live version:`, ...formatCapabilities(growth.change, terminal)].join('\n'))
  if (!(await confirm(`Deploy ${escapeLine(name)}?`))) {
    terminal.note('Nothing was deployed')
    return 1
  }
  const answered = await send(deploying, client, growth.added)
  // Another deployment was quicker, or a package changed on the host: what is new now has not been seen.
  if (growthOf(answered) !== undefined) terminal.note('Nothing was deployed: what is new has changed meanwhile. Run the command again')
  return show(deploying, answered)
}

async function dryRun(deploying: Deploying, client: Client): Promise<ExitCode> {
  const { context, name, request } = deploying
  context.terminal.status(`Analyzing ${name}: ${sizeOf(request)}`)
  const reply = await readReply(client, functionPath('analyze'), request.init())
  const isAccepted = reply.body?.['ok'] === true
  const exitCode = showReply(context, reply, (answer) => {
    showDiagnostics(context, answer)
    const { colors } = context.terminal
    context.terminal.print(`${isAccepted ? colors.green('would deploy') : colors.red('would be refused')} ${escapeLine(name)}`)
    for (const line of formatCapabilities(answer['capabilities'], context.terminal)) context.terminal.print(line)
  })
  return exitCode === 0 && !isAccepted ? 1 : exitCode
}

async function send({ context, name, request }: Deploying, client: Client, approved: readonly unknown[] | undefined): Promise<Reply> {
  context.terminal.status(`Deploying ${name}: ${sizeOf(request)}`)
  return readReply(client, functionPath('deploy'), request.init(approved))
}

/** What a refused version would have become able to use; `undefined` where that was not the reason. */
function growthOf({ isOk, body }: Reply): { readonly added: readonly unknown[]; readonly change: Answer } | undefined {
  const change = body?.['capabilities']
  return isOk || !isRecord(change) || !Array.isArray(change['added']) ? undefined : { added: change['added'], change }
}

function show({ context }: Deploying, reply: Reply): ExitCode {
  const { terminal } = context
  return showReply(context, reply, (answer) => {
    showDiagnostics(context, answer)
    const state = answer['created'] === false ? 'unchanged' : 'deployed'
    terminal.print(`${terminal.colors.green(state)} ${escapeLine(String(answer['name']))} ${escapeLine(String(answer['version']))}`)
    if (Array.isArray(answer['migrations'])) {
      for (const name of answer['migrations']) terminal.print(`  migrated ${escapeLine(String(name))}`)
    }
    for (const line of formatCapabilities(answer['capabilities'], terminal)) terminal.print(line)
  })
}

function showDiagnostics({ terminal }: CommandContext, answer: Answer): void {
  const diagnostics = formatDiagnostics(answer['diagnostics'], terminal)
  if (diagnostics !== '') terminal.note(diagnostics)
}

function sizeOf({ bytes }: DeployRequest): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
