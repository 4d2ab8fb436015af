import { constants } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { invalidOption } from '@cordon/contracts'
import { refuseUpload } from '../rejected.ts'
import type { FileCollector } from './file-collector.ts'

/** What a bundle can be made of; the rest of a `node_modules` (types, maps, documents) only costs time. */
const packageFile = /(?<!\.d)\.(js|mjs|cjs|jsx|ts|mts|cts|tsx|json|txt|html|css|md|wasm)$/
const packageNoise = /\.d\.[cm]?ts$|\.map$|(^|\/)(readme|changelog|license|history)[^/]*$/i

/**
 * Reads a directory into the collector without following links. Links inside `node_modules` (such as `.bin`) are left
 * out; any other link is refused, because what it points at is not part of the upload.
 *
 * @throws PlatformError DEPLOYMENT_REJECTED, INVALID_OPTION when the directory cannot be read
 */
export async function readDirectory(root: string, files: FileCollector): Promise<void> {
  await readFolder(root, '', files)
}

async function readFolder(root: string, folder: string, files: FileCollector): Promise<void> {
  const inPackages = /(^|\/)node_modules(\/|$)/.test(folder)
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(join(root, folder), error)
  })
  // Sorted, so that the first refusal does not depend on the file system.
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const spelled = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (inPackages && (entry.isSymbolicLink() || entry.name === '.bin' || entry.name === '.cache')) continue
    if (inPackages && entry.isFile() && (!packageFile.test(entry.name) || packageNoise.test(entry.name))) continue
    const path = files.accept(spelled)
    if (path === undefined) continue
    if (entry.isDirectory()) await readFolder(root, path, files)
    else if (entry.isFile()) files.add(path, await readPlainFile(join(root, path), path, files))
    else if (entry.isSymbolicLink()) throw refuseUpload('upload-link', path, 'it is a symbolic link. Only files and folders can be uploaded')
    else throw refuseUpload('upload-link', path, 'it is a device, pipe or socket. Only files and folders can be uploaded')
  }
}

/**
 * Reads one regular file of a size that `files` accepts, without following a link in its last segment.
 *
 * @throws PlatformError DEPLOYMENT_REJECTED, INVALID_OPTION when it cannot be read
 */
export async function readPlainFile(file: string, path: string, files: Pick<FileCollector, 'reserve'>): Promise<Uint8Array> {
  // Between the listing and now it may have become a link or a pipe: O_NOFOLLOW and O_NONBLOCK make that harmless.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  const handle = await open(file, flags).catch((error: unknown) => {
    throw unreadable(file, error)
  })
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw refuseUpload('upload-link', path, 'it is not a plain file. Only files and folders can be uploaded')
    files.reserve(path, stats.size)
    const content = new Uint8Array(stats.size)
    const { bytesRead } = await handle.read(content, 0, stats.size, 0)
    return content.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Says that the caller named something that cannot be read. */
export function unreadable(path: string, error: unknown): ReturnType<typeof invalidOption> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return invalidOption('upload', `a file or directory that can be read (${code})`, path)
}
