import { copyFile, open, rm, stat, truncate } from 'node:fs/promises'

/** Two files of about this size, in bytes, is all that the server's messages ever take. */
const maxLogBytes = 4 << 20

/** Where the messages are kept that were too many for the log itself. */
export function previousLog(logFile: string): string {
  return `${logFile}.1`
}

/**
 * Keeps the log bounded: a file that is too large is copied to `….1` and emptied. Not renamed, because the server holds it
 * open; it appends, so it goes on at the beginning.
 */
export async function limitServerLog(logFile: string): Promise<void> {
  const size = await sizeOfLog(logFile)
  if (size <= maxLogBytes) return
  const previous = previousLog(logFile)
  // On a full disk the new messages are worth more than the old ones.
  await copyFile(logFile, previous).catch(() => rm(previous, { force: true }))
  await truncate(logFile)
}

/** Bytes in the log; 0 when there is none. */
export async function sizeOfLog(logFile: string): Promise<number> {
  return stat(logFile).then(
    ({ size }) => size,
    () => 0,
  )
}

/** Up to 64 KB of the log from `position` on. */
export async function readLogFrom(logFile: string, position: number): Promise<string> {
  const file = await open(logFile, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(64 << 10), 0, 64 << 10, position)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}
