import { createHash } from 'node:crypto'
import type { Analysis, Diagnostic, Migration, MigrationOutcome, Upload } from '@cordon/contracts'
import { printable } from './printable.ts'

/** Rules about `migrations/`; all but the last always refuse a deployment. */
export type MigrationRule = 'migration-file' | 'migration-changed' | 'migration-order' | 'migration-failed' | 'migration-removed'

/** The migrations of an upload, and what is wrong with them. */
export interface FoundMigrations {
  /** In the order in which they are applied. */
  readonly migrations: readonly Migration[]
  readonly diagnostics: readonly Diagnostic[]
}

const folder = 'migrations/'
/** Most files: each is looked at by every deployment. Their size is bounded as that of all files. */
const maxFiles = 500
/** A number, which orders, and a name. */
const fileName = /^(\d{1,20})(?:[._-][A-Za-z0-9._-]{1,100})?\.sql$/

interface Numbered extends Migration {
  readonly number: bigint
}

/** Reads `migrations/*.sql` of an upload; nothing is asked of a database. */
export function readMigrations({ files }: Upload, { manifest }: Analysis): FoundMigrations {
  const paths = Object.keys(files).filter((path) => /^migrations\/.*\.sql$/i.test(path))
  const found: Numbered[] = []
  const diagnostics: Diagnostic[] = []
  const refuse = (path: string, message: string) => diagnostics.push(finding('migration-file', path, message))
  if (paths.length > maxFiles) {
    refuse('', `the upload has ${paths.length} migrations, at most ${maxFiles} are possible. Make one of the oldest`)
    return { migrations: [], diagnostics }
  }
  for (const path of paths) {
    const name = path.slice(folder.length)
    const number = path.startsWith(folder) ? fileName.exec(name)?.[1] : undefined
    const text = textOf(files[path] ?? new Uint8Array())
    if (number === undefined) refuse(path, 'its name is not that of a migration. Begin it with a number, as in migrations/0001_create_notes.sql')
    else if (text === undefined) refuse(path, 'it is not UTF-8 text without NUL. Save it as UTF-8')
    else found.push({ name, text, sha256: createHash('sha256').update(text).digest('hex'), number: BigInt(number) })
  }
  found.sort((a, b) => (a.number < b.number ? -1 : a.number > b.number ? 1 : 0))
  for (const [index, { name, number }] of found.entries()) {
    const before = found[index - 1]
    if (before?.number === number) refuse(folder + name, `its number is that of "${before.name}", too. Give one of them another`)
  }
  const first = found[0]
  if (first !== undefined && !manifest.database) {
    refuse(folder + first.name, 'the function does not ask for the database that its migrations change. Set database: true in its config')
  }
  return { migrations: found.map(({ name, text, sha256 }) => ({ name, text, sha256 })), diagnostics }
}

/** What the database said of migrations, for who deploys. */
export async function migrationFindings(outcome: MigrationOutcome, migrations: readonly Migration[]): Promise<readonly Diagnostic[]> {
  if (outcome.kind === 'applied') return outcome.removed.map(removedWarning)
  const { name, reason, message, position } = outcome
  const refusal = finding(`migration-${reason}`, folder + name, printable(message, 1000))
  const source = migrations.find((one) => one.name === name)?.text
  if (position === undefined || source === undefined) return [refusal]
  // The server counts characters, editors and frames count UTF-16 units.
  const offset = Array.from(source)
    .slice(0, position - 1)
    .join('').length
  const { codeFrame, placeAt } = await import('@cordon/analyzer')
  const place = placeAt(source, offset)
  return [{ ...refusal, ...place, frame: codeFrame(source, place) }]
}

function removedWarning(name: string): Diagnostic {
  const message = 'it was applied once and is not in the upload any more. What it did stays; put it back, so that other databases get it, too'
  return { ...finding('migration-removed', folder + name, message), severity: 'warn' }
}

function finding(rule: MigrationRule, path: string, message: string): Diagnostic {
  return { rule, severity: 'error', message, file: printable(path), line: 0, column: 0, frame: '' }
}

/** Without byte order mark and with one kind of line end, so that a checkout on another system is no change. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? undefined : text.replaceAll('\r\n', '\n')
  } catch {
    return undefined
  }
}
