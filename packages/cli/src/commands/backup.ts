import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createBackup } from '@cordon/core/backup'
import type { ExitCode } from '../exit-code.ts'
import { escapeLine } from '../output/escape.ts'
import type { CommandContext } from './command.ts'
import { keyNote, progressOf, tellTotals } from './copy-output.ts'
import { targetOf, type DbOptions } from './db/target.ts'

/** Options of `cordon backup` and `cordon restore`. */
export type BackupCommandOptions = DbOptions

/** `cordon backup`: one file with everything, named after the time when no name is given. */
export async function backup(context: CommandContext, given: string | undefined, options: BackupCommandOptions): Promise<ExitCode> {
  const target = await targetOf(context, options)
  const file = await fileOf(given)
  const { terminal } = context
  const progress = progressOf(context)
  const written = await createBackup(target, file, progress)
  progress.end()
  if (context.options.json === true) terminal.print(JSON.stringify({ file, ...written }))
  else {
    terminal.print(`${escapeLine(file)}  ${Math.ceil(written.bytes / 1000)} kB, ${tellTotals(written)}`)
    terminal.note(await keyNote(target.dataDir))
  }
  return 0
}

/** A directory stands for a new file in it. */
async function fileOf(given: string | undefined): Promise<string> {
  const name = `cordon-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}.backup`
  if (given === undefined) return name
  const isFolder = (await stat(given).catch(() => undefined))?.isDirectory() === true
  return isFolder ? join(given, name) : given
}
