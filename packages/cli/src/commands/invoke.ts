import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { usageFailure, type ExitCode } from '../exit-code.ts'
import { escapeText } from '../output/escape.ts'
import { exchange, functionPath, withClient, type CommandContext } from './command.ts'

/** Options of `cordon invoke`. */
export interface InvokeCommandOptions {
  /** JSON text, `@file` or `-` for stdin. */
  readonly data?: string | undefined
  readonly version?: string | undefined
}

/** `cordon invoke <name> [json]`: calls a JSON function and prints its output. */
export async function invoke(
  context: CommandContext,
  call: { name: string; json: string | undefined },
  options: InvokeCommandOptions,
): Promise<ExitCode> {
  const body = await readInput(call.json, options.data)
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ body, version: options.version }) }
  return withClient(context, (client) =>
    exchange(context, { client, path: functionPath(call.name, '/invoke'), init }, ({ output }) => {
      // JSON escapes C0 controls itself, but neither C1 nor the marks that reorder text.
      context.terminal.print(output === undefined ? '' : escapeText(JSON.stringify(output, null, 2)))
    }),
  )
}

async function readInput(json: string | undefined, data: string | undefined): Promise<unknown> {
  if (json !== undefined && data !== undefined) throw usageFailure('Cannot use both an input argument and --data')
  const given = json ?? data
  if (given === undefined) return undefined
  const content = given === '-' ? await text(process.stdin) : given.startsWith('@') ? await readInputFile(given.slice(1)) : given
  if (content.trim() === '') return undefined
  try {
    return JSON.parse(content)
  } catch (error) {
    throw usageFailure(`Cannot read the input as JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function readInputFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    throw usageFailure(`Cannot read the input: there is no readable file "${path}"`)
  }
}
