import { integer, text, type OptionTable } from './check.ts'

/** Backups that the platform makes by itself while it runs. Hosts that share a database make one together. */
export interface BackupOptions {
  /** Directory of their files, which is made when it is missing. A disk of its own is better than that of the database. @default none: no backups */
  readonly directory: string | undefined
  /** Time from the beginning of one to the beginning of the next, in milliseconds. @default 86400000 */
  readonly everyMs: number
  /** How many files are kept, on each machine; older ones are removed when a new one is whole. @default 7 */
  readonly keep: number
}

/** Defaults and checks of the backup options. Described in docs/reference/platform-options.md. */
export const backupTable: OptionTable<BackupOptions> = {
  directory: text(undefined),
  everyMs: integer(86_400_000, { min: 1000, max: 2_147_483_647 }),
  keep: integer(7, { min: 1, max: 100_000 }),
}
