import { refuseUpload } from '../rejected.ts'
import { uploadLimits } from './upload-limits.ts'

/**
 * The path of an upload entry in its one spelling: relative, forward slashes, no `.` and no empty segments. A trailing
 * slash (a directory) is dropped; the root itself gives `''`.
 *
 * @throws PlatformError DEPLOYMENT_REJECTED for paths that could mean a place outside the upload anywhere
 */
export function entryPath(spelled: string): string {
  if (spelled.includes('\0')) throw refuseUpload('upload-path', spelled, 'its name holds a NUL character. Rename it')
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  if (/[\u0001-\u001f\u007f]/.test(spelled)) throw refuseUpload('upload-path', spelled, 'its name holds a control character. Rename it')
  if (/[\p{Surrogate}\ufffd]/u.test(spelled)) throw refuseUpload('upload-path', spelled, 'its name is not valid UTF-8. Rename it')
  if (spelled.includes('\\')) throw refuseUpload('upload-path', spelled, 'its name holds a backslash. Use forward slashes between folders')
  if (spelled.startsWith('/')) throw refuseUpload('upload-path', spelled, 'its path is absolute. Use paths relative to the upload')
  if (/^[A-Za-z]:/.test(spelled)) throw refuseUpload('upload-path', spelled, 'its path starts with a drive letter. Use paths relative to the upload')
  const segments = spelled.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..')) throw refuseUpload('upload-path', spelled, 'its path leads outside the upload. Remove the ".." from it')
  if (segments.includes('__proto__')) throw refuseUpload('upload-path', spelled, 'its path holds the reserved name "__proto__". Rename it')
  if (segments.length > uploadLimits.depth + 1) {
    throw refuseUpload('upload-limit', spelled, `it is nested deeper than ${uploadLimits.depth} folders. Flatten the upload`)
  }
  const path = segments.join('/')
  if (Buffer.byteLength(path) > uploadLimits.pathBytes) {
    throw refuseUpload('upload-limit', spelled, `its path is longer than ${uploadLimits.pathBytes} bytes. Shorten it`)
  }
  return path
}

/** True for what operating systems and tools leave in folders and archives, and for folders that are never code. */
export function isIgnored(path: string): boolean {
  return path.split('/').some((segment) => ignoredNames.has(segment) || segment.startsWith('._'))
}

const ignoredNames = new Set(['__MACOSX', '.DS_Store', 'Thumbs.db', '.git', '.hg', '.svn', '.cordon'])
