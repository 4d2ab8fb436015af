export { createBackup, migratePlatform, restoreBackup, type BackupInfo, type CopyOptions } from './operations.ts'
export type { CopyHead, CopyProgress, CopyTotals } from './platform-item.ts'
export type { WrittenBackup } from './backup-file.ts'
