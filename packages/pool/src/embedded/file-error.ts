import { PlatformError } from '@cordon/contracts'

/** Turns an error of the file system into one sentence with a remedy. A `PlatformError` stays what it is. */
export function fileError(error: unknown, act: string, path: string): PlatformError {
  if (error instanceof PlatformError) return error
  const options = { cause: error, details: { path } }
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return new PlatformError(
        'INVALID_OPTION',
        `Cannot ${act}: "${path}" is not writable for this user. Change its owner or mode, or set dataDir to another directory`,
        options,
      )
    case 'EROFS':
      return new PlatformError(
        'INVALID_OPTION',
        `Cannot ${act}: "${path}" is on a read-only file system. Set dataDir to a directory that can be written`,
        options,
      )
    case 'ENOTDIR':
    case 'EEXIST':
      return new PlatformError(
        'INVALID_OPTION',
        `Cannot ${act}: "${path}" or something above it is a file, not a directory. Set dataDir to another directory`,
        options,
      )
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(act, path, error)
    default:
      return new PlatformError('STORE_UNAVAILABLE', `Cannot ${act}: ${error instanceof Error ? error.message : String(error)}`, options)
  }
}

/** No space is left on the device of `path`. */
export function diskFull(act: string, path: string, cause?: unknown): PlatformError {
  return new PlatformError(
    'STORE_UNAVAILABLE',
    `Cannot ${act}: no space is left on the disk of "${path}". Free some (a new database takes about 60 MB) and start again`,
    {
      cause,
      details: { path },
    },
  )
}

/** The `code` of a system or database error. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
