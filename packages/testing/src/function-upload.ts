import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invalidOption, isRecord, type UploadSource } from '@cordon/contracts'
import { collect, isArchive, nameOf, sourceExtensions } from '@cordon/core/upload'
import type { FunctionSource } from './options.ts'

/** A function as it is deployed. */
export interface FunctionUpload {
  readonly name: string
  readonly upload: UploadSource & { readonly entry?: string | undefined }
}

/** Name of a function that comes without a file. */
const namelessFunction = 'function'

/**
 * Reads a function as `cordon deploy` does, with what it imports. `migrations` is a folder of SQL files for its database; a file
 * `index.*` has those of its folder.
 *
 * @throws PlatformError INVALID_OPTION when there is no such file
 */
export async function readUpload(source: FunctionSource, migrations: string | undefined): Promise<FunctionUpload> {
  if (typeof source !== 'string' && !(source instanceof URL)) {
    if (!isRecord(source)) throw invalidOption('file', 'the path of a function, or an upload', source)
    return { name: namelessFunction, upload: migrations === undefined ? source : await withMigrations(source, migrations) }
  }
  const path = typeof source === 'string' && !source.startsWith('file:') ? resolve(source) : fileURLToPath(source)
  if (isArchive(path)) return { name: nameOf(path), upload: { path } }
  const { files: found, entry } = await collect(path)
  const files = Object.fromEntries(found)
  const isIndex = sourceExtensions.includes(extname(path)) && nameOf(path) === 'index'
  const folder = migrations ?? (isIndex ? join(dirname(path), 'migrations') : undefined)
  const own = folder === undefined ? {} : await readMigrations(folder, migrations !== undefined)
  return {
    name: isIndex ? basename(dirname(path)) : nameOf(path),
    upload: { files: { ...files, ...own }, ...(entry === undefined ? {} : { entry }) },
  }
}

async function withMigrations(upload: UploadSource, folder: string): Promise<UploadSource> {
  const own = await readMigrations(folder, true)
  if ('source' in upload) return { files: { 'index.ts': upload.source, ...own } }
  if ('files' in upload) return { files: { ...upload.files, ...own } }
  throw invalidOption('db.migrations', 'a function that is given as a path, source or files', 'another form of upload')
}

async function readMigrations(folder: string, isAskedFor: boolean): Promise<Record<string, Uint8Array>> {
  const names = await readdir(folder).catch(() => {
    if (isAskedFor) throw invalidOption('db.migrations', 'a folder that can be read', folder)
    return []
  })
  const files = names.filter((name) => name.endsWith('.sql')).map(async (name) => [`migrations/${name}`, await readFile(join(folder, name))] as const)
  return Object.fromEntries(await Promise.all(files))
}
