import { isRecord } from '@cordon/contracts'
import type { Client } from '../client/client.ts'
import { usageFailure, type ExitCode } from '../exit-code.ts'
import { askHidden, canAsk } from '../output/ask.ts'
import { escapeLine } from '../output/escape.ts'
import { formatTable } from '../output/table.ts'
import { formatTime } from '../output/time.ts'
import { exchange, itemsOf, readReply, withClient, type CommandContext } from './command.ts'

/** The longest value is 65536 characters of at most four bytes; whoever sends more has taken the wrong file. */
const maxValueBytes = 4 * 65_536

/** `cordon secrets list`: names, when they were set, and which functions may read them; also those that a function may read and nobody has set. */
export async function listSecrets(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context
  return withClient(context, async (client) => {
    const readers = context.options.json === true ? new Map<string, string[]>() : await readersOf(client)
    return exchange(context, { client, path: '/api/secrets' }, (answer) => {
      const set = new Map(itemsOf(answer).map((one) => [String(one['name']), one['updatedAt']]))
      const names = [...new Set([...set.keys(), ...readers.keys()])].toSorted()
      const rows = names.map((name) => [
        escapeLine(name),
        set.has(name) ? formatTime(set.get(name)) : terminal.colors.yellow('not set'),
        escapeLine((readers.get(name) ?? []).join(', ')),
      ])
      if (rows.length === 0) terminal.note('No secret is set yet. Try: cordon secrets set API_KEY')
      else terminal.print(formatTable(['NAME', 'SET', 'READ BY'], rows))
    })
  })
}

/** `cordon secrets set <name>`: the value comes from the keyboard, unseen, or from standard input; never from the command line, which others see. */
export async function setSecret(context: CommandContext, name: string): Promise<ExitCode> {
  const value = process.stdin.isTTY ? await askValue(name) : await readValue()
  if (value === '') throw usageFailure(`Cannot set "${name}": the value is empty. Type it, or pipe it in: cordon secrets set ${name} < file`)
  const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ value }) }
  return withClient(context, (client) =>
    exchange(context, { client, path: secretPath(name), init }, () => {
      context.terminal.print(`${context.terminal.colors.green('set')} ${escapeLine(name)}`)
    }),
  )
}

function askValue(name: string): Promise<string> {
  if (!canAsk())
    throw usageFailure(`Cannot ask for the value: standard error is no terminal. Pipe it in: cordon secrets set ${escapeLine(name)} < file`)
  return askHidden(`Value of ${escapeLine(name)} (not shown): `)
}

/** `cordon secrets remove <name>`. */
export async function removeSecret(context: CommandContext, name: string): Promise<ExitCode> {
  return withClient(context, async (client) => {
    const list = await readReply(client, '/api/secrets')
    // The platform takes the removal of nothing for done; here it is a name that was mistyped.
    if (list.isOk && !itemsOf(list.body ?? {}).some((one) => one['name'] === name)) {
      context.terminal.note(
        context.terminal.colors.red(`Cannot remove "${escapeLine(name)}": no secret has this name. cordon secrets list shows them`),
      )
      return 1
    }
    return exchange(context, { client, path: secretPath(name), init: { method: 'DELETE' } }, () => {
      context.terminal.print(`${context.terminal.colors.green('removed')} ${escapeLine(name)}`)
    })
  })
}

function secretPath(name: string): string {
  return `/api/secrets/${encodeURIComponent(name)}`
}

/** Secret -> names of the functions whose live version may read it. */
async function readersOf(client: Client): Promise<Map<string, string[]>> {
  const readers = new Map<string, string[]>()
  const { body } = await readReply(client, '/api/functions')
  for (const { name, manifest } of itemsOf(body ?? {})) {
    const secrets: unknown = isRecord(manifest) ? manifest['secrets'] : undefined
    for (const secret of Array.isArray(secrets) ? secrets : []) readers.set(String(secret), [...(readers.get(String(secret)) ?? []), String(name)])
  }
  return readers
}

/** Standard input, without the line feed that `echo` puts at its end. */
async function readValue(): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk)
    length += bytes.byteLength
    if (length > maxValueBytes) throw usageFailure('Cannot read the value: it is longer than 65536 characters')
    chunks.push(bytes)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)).replace(/\r?\n$/, '')
  } catch {
    throw usageFailure('Cannot read the value: it is not UTF-8 text. Encode bytes as text, for example with base64')
  }
}
