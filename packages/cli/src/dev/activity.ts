import { isRecord, type InvocationRecord, type Platform } from '@cordon/contracts'
import { describeFailure } from '../exit-code.ts'
import { escapeLine } from '../output/escape.ts'
import { formatLogEntry } from '../output/log-line.ts'
import { formatTable } from '../output/table.ts'
import type { Terminal } from '../output/terminal.ts'
import { formatClock } from '../output/time.ts'

/** The platform that is developed on, and where it is shown. */
export interface Shown {
  readonly terminal: Terminal
  readonly platform: Platform
}

/** What is served, with its addresses. */
export async function formatFunctions({ platform, url, terminal }: Shown & { readonly url: string }): Promise<string> {
  const rows = (await platform.functions.list()).map(({ name, manifest: { handler, config } }) => {
    const { access } = config
    return [escapeLine(name), handler, access, access === 'internal' ? 'only other functions call it' : `${url}/fn/${name}`]
  })
  if (rows.length === 0) return 'No function is here yet: save one in this folder, such as hello.ts'
  return formatTable(['FUNCTION', 'KIND', 'ACCESS', 'ADDRESS'].map(terminal.colors.dim), rows)
}

/** A secret that is not set fails the function only when it is read. */
export async function noteMissingSecrets({ terminal, platform }: Shown, answer: unknown): Promise<void> {
  const manifest = isRecord(answer) && isRecord(answer['manifest']) ? answer['manifest'] : {}
  const wanted: readonly unknown[] = Array.isArray(manifest['secrets']) ? manifest['secrets'] : []
  if (wanted.length === 0) return
  const set = new Set((await platform.secrets.list()).map(({ name }) => name))
  for (const name of wanted.map(String).filter((one) => !set.has(one)))
    terminal.note(terminal.colors.yellow(`The secret ${escapeLine(name)} is not set: cordon secrets set ${escapeLine(name)}`))
}

/** Prints logs and calls as they come; the returned function stops that. */
export function showActivity({ terminal, platform }: Shown, signal: AbortSignal): () => void {
  async function follow(): Promise<void> {
    for await (const entry of platform.logs(undefined, { follow: true, since: Date.now(), signal })) terminal.print(formatLogEntry(entry, terminal))
  }
  follow().catch((error: unknown) => {
    if (!signal.aborted) terminal.note(escapeLine(describeFailure(error).message))
  })
  return platform.on('invocation', (record) => terminal.print(formatCall(record, terminal)))
}

function formatCall(record: InvocationRecord, { colors }: Terminal): string {
  const time = colors.dim(formatClock(record.startedAt))
  const took = colors.dim(`${record.durationMs.toFixed(1)} ms${record.coldStart ? ', cold' : ''}`)
  const head = `${time} ${colors.dim('call ')} ${colors.cyan(record.function)}`
  if (record.outcome === 'success') return `${head} ${took}`
  return `${head} ${colors.red(record.outcome)} ${escapeLine(record.message ?? '')} ${took}`
}
