import { PlatformError, type Upload } from '@cordon/contracts'
import { isFirstParty } from '../bundle/upload-tree.ts'

/** Largest file of the user's own, in bytes (`architecture.md`). */
const maxFileBytes = 1_000_000
/** Largest sum of the user's own files, in bytes (`architecture.md`). */
const maxUploadBytes = 5_000_000
/** Largest file below a `node_modules` of the upload, in bytes: some packages ship one bundled file of a few megabytes. */
const maxPackageFileBytes = 10_000_000
/** Largest sum of the files below `node_modules`, in bytes. */
const maxPackageBytes = 50_000_000
/** Most files of one upload. */
const maxFiles = 20_000
/** Longest path in characters, as on most file systems. */
const maxPathLength = 1024

/**
 * Checks an upload before anything reads it.
 *
 * @throws PlatformError ANALYSIS_LIMIT when it is too large, DEPLOYMENT_REJECTED when a path could leave the upload
 */
export function checkUpload(upload: Upload): void {
  const files = Object.entries(upload.files)
  if (files.length > maxFiles) throw tooLarge(`the upload has ${files.length} files, and ${maxFiles} are allowed`)
  let own = 0
  let packages = 0
  for (const [path, bytes] of files) {
    if (!isPlainPath(path)) {
      throw new PlatformError(
        'DEPLOYMENT_REJECTED',
        `Cannot analyse the upload: ${JSON.stringify(path.slice(0, 80))} is not a relative path with forward slashes`,
      )
    }
    if (isFirstParty(path)) own += countFile(path, bytes, maxFileBytes)
    else packages += countFile(path, bytes, maxPackageFileBytes)
  }
  if (own > maxUploadBytes) throw tooLarge(`the upload holds ${own} bytes, and ${maxUploadBytes} are allowed`)
  if (packages > maxPackageBytes) throw tooLarge(`its packages hold ${packages} bytes, and ${maxPackageBytes} are allowed`)
}

/** Says that an upload is more than the analyzer takes on. */
export function tooLarge(state: string): PlatformError {
  return new PlatformError('ANALYSIS_LIMIT', `Cannot analyse the upload: ${state}`)
}

function countFile(path: string, bytes: Uint8Array, limit: number): number {
  if (bytes.byteLength > limit) throw tooLarge(`"${path}" holds ${bytes.byteLength} bytes, and ${limit} are allowed for one file`)
  return bytes.byteLength
}

function isPlainPath(path: string): boolean {
  if (path === '' || path.length > maxPathLength || path.includes('\\') || path.includes('\0')) return false
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}
