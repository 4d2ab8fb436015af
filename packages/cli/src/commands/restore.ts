import { restoreBackup } from '@cordon/core/backup'
import type { ExitCode } from '../exit-code.ts'
import { escapeLine } from '../output/escape.ts'
import type { BackupCommandOptions } from './backup.ts'
import type { CommandContext } from './command.ts'
import { progressOf, tellTotals } from './copy-output.ts'
import { targetOf } from './db/target.ts'

/** `cordon restore`: the platform of a backup, where there is none. */
export async function restore(context: CommandContext, file: string, options: BackupCommandOptions): Promise<ExitCode> {
  const target = await targetOf(context, options)
  const { terminal } = context
  const progress = progressOf(context)
  const info = await restoreBackup(target, file, progress)
  progress.end()
  if (context.options.json === true) terminal.print(JSON.stringify(info))
  else {
    terminal.print(`Restored ${tellTotals(info)}, as of ${escapeLine(info.createdAt)}; every table was read again and compared`)
    terminal.note('Secrets open with the keys they were sealed with: put secrets.key into the data directory, or give secretsKey')
  }
  return 0
}
