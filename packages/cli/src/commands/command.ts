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

/** What came back for a request. */
export interface Reply {
  /** Whether the platform said yes. */
  readonly isOk: boolean
  readonly text: string
  /** The text as JSON, when it is an object. */
  readonly body: Answer | undefined
}

/** Sends one request and reads the whole answer. @throws CommandFailure with exit code 3 when it is not that of a platform */
export async function readReply(client: Client, path: string, init?: RequestInit): Promise<Reply> {
  const response = await client.request(path, init)
  const text = await response.text()
  const body = parse(text)
  return { isOk: response.ok, text, body: isRecord(body) ? body : undefined }
}

/** With `--json` prints the body as it is; otherwise `show` renders a good answer, and a problem is rendered on stderr. */
export function showReply(context: CommandContext, { isOk, text, body }: Reply, show: (answer: Answer) => void): ExitCode {
  if (context.options.json === true) {
    if (text !== '') context.terminal.print(text)
  } else if (isOk) show(body ?? {})
  else context.terminal.note(formatProblem(body, context.terminal))
  if (isOk) return 0
  return exitCodeOf(typeof body?.['code'] === 'string' ? body['code'] : undefined)
}

/** Sends one request and shows what came back. */
export async function exchange(
  context: CommandContext,
  request: { client: Client; path: string; init?: RequestInit },
  show: (answer: Answer) => void,
): Promise<ExitCode> {
  return showReply(context, await readReply(request.client, request.path, request.init), show)
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
