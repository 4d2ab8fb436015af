import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path'
import { PlatformError } from '@cordon/contracts'
import { findImports } from './find-imports.ts'

/** What is sent to be deployed. */
export interface Collected {
  /** Bytes by path inside the upload. */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly entry: string | undefined
  /** Absolute paths of the user's own files that went in; a change of one of them makes the function stale. */
  readonly sources: ReadonlySet<string>
}

/** Endings of files that can be a function. */
export const sourceExtensions: readonly string[] = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs']

/** Folders that never belong to an upload; packages are added one by one, as the code needs them. */
const skippedFolders = new Set(['node_modules', '.git', '.cordon'])
/** More files of one's own than this is a folder taken by mistake. */
const maxFiles = 2000

/**
 * Reads a function for an upload: a file with what it imports, or a folder with all its files. npm packages that the
 * code imports are taken from the local `node_modules`, as far as they are there.
 *
 * @throws PlatformError INVALID_OPTION when there is no such file or folder
 */
export async function collect(path: string): Promise<Collected> {
  const absolute = resolve(path)
  const info = await stat(absolute).catch(() => undefined)
  if (info === undefined) throw unusable(`Cannot read "${path}": there is no such file or folder`)
  return info.isDirectory() ? collectFolder(absolute) : collectFile(absolute)
}

/** True for `.tar.gz`, `.tgz` and `.zip`, which are sent as they are. */
export function isArchive(path: string): boolean {
  return /\.(tar\.gz|tgz|zip)$/i.test(path)
}

/** The name a function gets when none is given: that of its file or folder. */
export function nameOf(path: string): string {
  const base = basename(resolve(path)).replace(/\.(tar\.gz|tgz|zip)$/i, '')
  return sourceExtensions.includes(extname(base)) ? base.slice(0, -extname(base).length) : base
}

async function collectFile(path: string): Promise<Collected> {
  const imports = await findImports([path], dirname(path))
  const own = new Set([path, ...imports.own])
  const root = commonFolder([...own])
  const files = new Map(imports.packages)
  for (const one of own) files.set(toUploadPath(relative(root, one)), await readFile(one))
  return { files, entry: toUploadPath(relative(root, path)), sources: own }
}

async function collectFolder(folder: string): Promise<Collected> {
  const own = await listFiles(folder)
  const code = own.filter((path) => sourceExtensions.includes(extname(path)) && !path.endsWith('.d.ts'))
  const imports = await findImports(code, folder)
  const files = new Map(imports.packages)
  for (const path of own) files.set(toUploadPath(relative(folder, path)), await readFile(path))
  return { files, entry: undefined, sources: new Set([...own, ...imports.own]) }
}

async function listFiles(folder: string): Promise<string[]> {
  const found: string[] = []
  async function walk(current: string): Promise<void> {
    for (const entry of await readdir(current, { withFileTypes: true })) {
      const path = join(current, entry.name)
      // Links are not followed: they lead out of the folder.
      if (entry.isDirectory() && !skippedFolders.has(entry.name)) await walk(path)
      else if (entry.isFile() && !entry.name.startsWith('.')) found.push(path)
      if (found.length > maxFiles)
        throw unusable(`Cannot deploy "${folder}": it has more than ${maxFiles} files, so it does not look like a function`)
    }
  }
  await walk(folder)
  return found
}

function commonFolder(paths: readonly string[]): string {
  const [first = sep, ...rest] = paths.map(dirname)
  return rest.reduce((common, folder) => {
    let shared = common
    while (folder !== shared && !folder.startsWith(shared.endsWith(sep) ? shared : shared + sep)) shared = dirname(shared)
    return shared
  }, first)
}

function unusable(message: string): PlatformError {
  return new PlatformError('INVALID_OPTION', message, { details: { option: 'path' } })
}

function toUploadPath(path: string): string {
  return path.split(sep).join('/')
}
