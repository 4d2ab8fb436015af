import { isRecord } from '@cordon/contracts'
import type { Client } from '../client/client.ts'
import { connect, type Target } from '../client/connect.ts'
import { CommandFailure, exitCodeOf, type ExitCode } from '../exit-code.ts'
import { formatProblem } from '../output/problem.ts'
import type { Terminal } from '../output/terminal.ts'

/** Options that every command has. */
export interface GlobalOptions extends Target {
  /** Prints the HTTP body instead of text for people. */
  readonly json?: boolean | undefined
}

/** What a command is given besides its own arguments. */
export interface CommandContext {
  readonly terminal: Terminal
  readonly options: GlobalOptions
}

/** An answer of the platform that said yes. */
export type Answer = Record<string, unknown>

/** Opens the platform, runs `use` and closes it again, whatever happens. */
export async function withClient(context: CommandContext, use: (client: Client) => Promise<ExitCode>): Promise<ExitCode> {
  const client = await connect(context)
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

/**
 * Sends one request. With `--json` the body is printed as it is; otherwise `show` renders a good answer, and a problem
 * is rendered on stderr.
 */
export async function exchange(
  context: CommandContext,
  request: { client: Client; path: string; init?: RequestInit },
  show: (answer: Answer) => void,
): Promise<ExitCode> {
  const response = await request.client.request(request.path, request.init)
  const text = await response.text()
  if (context.options.json === true && text !== '') context.terminal.print(text)
  const body = parse(text)
  if (response.ok) {
    if (context.options.json !== true) show(isRecord(body) ? body : {})
    return 0
  }
  if (context.options.json !== true) context.terminal.note(formatProblem(body, context.terminal))
  return exitCodeOf(isRecord(body) && typeof body['code'] === 'string' ? body['code'] : undefined)
}

/** The items of a list answer. */
export function itemsOf(answer: Answer): readonly Answer[] {
  const { items } = answer
  return Array.isArray(items) ? items.filter((one) => isRecord(one)) : []
}

/** The path of a function in the API. */
export function functionPath(name: string, rest = ''): string {
  return `/api/functions/${encodeURIComponent(name)}${rest}`
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new CommandFailure('Cannot read the answer: it is not JSON. Is there a platform at this address?', 3)
  }
}
