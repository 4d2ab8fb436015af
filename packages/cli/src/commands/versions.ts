import { isRecord } from '@cordon/contracts'
import type { ExitCode } from '../exit-code.ts'
import { escapeLine } from '../output/escape.ts'
import { formatTable } from '../output/table.ts'
import { formatTime } from '../output/time.ts'
import { exchange, functionPath, itemsOf, withClient, type CommandContext } from './command.ts'

/** `cordon list`: the functions and their live versions. */
export async function list(context: CommandContext): Promise<ExitCode> {
  return withClient(context, (client) =>
    exchange(context, { client, path: '/api/functions' }, (answer) => {
      const rows = itemsOf(answer).map((one) => {
        const manifest = isRecord(one['manifest']) ? one['manifest'] : {}
        const config = isRecord(manifest['config']) ? manifest['config'] : {}
        return [
          cell(one['name']),
          cell(manifest['handler'] ?? ''),
          cell(one['version']),
          cell(config['access'] ?? 'public'),
          formatTime(one['updatedAt']),
        ]
      })
      if (rows.length === 0) context.terminal.note('No function is deployed yet. Try: cordon deploy <file>')
      else context.terminal.print(formatTable(['NAME', 'KIND', 'VERSION', 'ACCESS', 'UPDATED'], rows))
    }),
  )
}

/** `cordon versions <name>`: every version of a function, the live one marked. */
export async function versions(context: CommandContext, name: string): Promise<ExitCode> {
  return withClient(context, (client) =>
    exchange(context, { client, path: functionPath(name, '/versions') }, (answer) => {
      const rows = itemsOf(answer).map((one) => [
        cell(one['version']),
        one['live'] === true ? 'live' : '',
        formatTime(one['createdAt']),
        cell(one['bytes']),
        cell(one['label'] ?? ''),
      ])
      context.terminal.print(formatTable(['VERSION', 'STATE', 'CREATED', 'BYTES', 'LABEL'], rows))
    }),
  )
}

/** `cordon rollback <name> [version]`: makes an older version live again. */
export async function rollback(context: CommandContext, name: string, version: string | undefined): Promise<ExitCode> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ version }) }
  return withClient(context, (client) =>
    exchange(context, { client, path: functionPath(name, '/rollback'), init }, (answer) => {
      context.terminal.print(`${context.terminal.colors.green('live')} ${cell(answer['name'])} ${cell(answer['version'])}`)
    }),
  )
}

/** `cordon delete <name>`: removes a function with everything that belongs to it. */
export async function remove(context: CommandContext, name: string): Promise<ExitCode> {
  return withClient(context, (client) =>
    exchange(context, { client, path: functionPath(name), init: { method: 'DELETE' } }, () => {
      context.terminal.print(`${context.terminal.colors.green('deleted')} ${escapeLine(name)}`)
    }),
  )
}

function cell(value: unknown): string {
  return escapeLine(String(value))
}
