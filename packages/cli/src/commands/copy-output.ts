import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CopyOptions, CopyProgress, CopyTotals } from '@cordon/core/backup'
import { escapeLine } from '../output/escape.ts'
import type { CommandContext } from './command.ts'

/** Shortest time between two lines of progress where nobody can overwrite them, in milliseconds. */
const quietMs = 5000

/** Shows on standard error how far a copy is: one line that changes on a terminal, else one now and then. `end` finishes it. */
export function progressOf({ terminal, options }: CommandContext): CopyOptions & { end(): void } {
  let last = performance.now()
  function show({ table, tables, rows }: CopyProgress): void {
    if (options.json === true) return
    const line = `${tables} tables, ${rows} rows: ${escapeLine(table)}`
    if (process.stderr.isTTY) terminal.status(line)
    else if (performance.now() - last > quietMs) {
      last = performance.now()
      terminal.note(line)
    }
  }
  return {
    onProgress: show,
    onNote: (note) => terminal.note(escapeLine(note)),
    end: () => terminal.status(),
  }
}

/** `20 tables, 1000 rows; 3 tenants have a database`. A tenant has one from its first query on. */
export function tellTotals({ tenants, tables, rows }: CopyTotals): string {
  return `${tables} tables, ${rows} rows; ${tenants} ${tenants === 1 ? 'tenant has' : 'tenants have'} a database`
}

/** Where the key of the secrets is, which is never a part of a copy. */
export async function keyNote(dataDir: string): Promise<string> {
  const file = join(dataDir, 'secrets.key')
  const isThere = (await stat(file).catch(() => undefined)) !== undefined
  return isThere
    ? `The key of the secrets is not in it: keep ${escapeLine(file)} in another place`
    : 'The keys of secrets are not in it: keep the value of the option secretsKey in another place'
}
