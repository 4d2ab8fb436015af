import { realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { invalidOption, isRecord, readGiven, reasonOf, resolveFunctionConfig, type FunctionConfig, type Upload } from '@cordon/contracts'
import { refuseUpload } from '../rejected.ts'
import { entryPath } from './entry-path.ts'
import { FileCollector } from './file-collector.ts'
import { readDirectory, readPlainFile, unreadable } from './source-directory.ts'
import { uploadLimits } from './upload-limits.ts'

type SourceFiles = Pick<Upload, 'files'> & { readonly entry?: string | undefined }

const sourceKeys = ['source', 'files', 'directory', 'archive', 'path'] as const
const otherKeys = ['name', 'entry', 'config', 'label', 'user', 'approved']

/** Where a source text lives: it has no name of its own. */
const sourceFile = 'index.ts'

/**
 * Turns any form of upload into its files, bounded in every direction.
 *
 * @throws PlatformError INVALID_OPTION for a wrong shape, DEPLOYMENT_REJECTED for a wrong content
 */
export async function unpack(deployment: unknown): Promise<Upload> {
  if (!isRecord(deployment)) throw invalidOption('deployment', 'an object', deployment)
  const unknown = Object.keys(deployment).find((key) => !otherKeys.includes(key) && !sourceKeys.some((one) => one === key))
  if (unknown !== undefined) throw invalidOption(unknown, `one of ${[...otherKeys, ...sourceKeys].join(', ')}`, 'an unknown name')
  const { entry, config, source } = readGiven('deployment', () => ({
    entry: givenEntry(deployment['entry']),
    config: givenConfig(deployment['config']),
    source: readSource(deployment),
  }))
  const { files, entry: found } = await source
  if (entry !== undefined && !Object.hasOwn(files, entry))
    throw refuseUpload('upload-path', entry, 'the upload has no such entry file. Name one of its files')
  return { files, entry: entry ?? found, config }
}

/** What the caller holds in memory is read here and now, what lies on a disk or has to be unpacked by and by. */
function readSource(deployment: Record<string, unknown>): SourceFiles | Promise<SourceFiles> {
  const given = sourceKeys.filter((key) => deployment[key] !== undefined)
  const kind = given[0]
  if (kind === undefined || given.length > 1)
    throw invalidOption('deployment', `exactly one of ${sourceKeys.join(', ')}`, given.length === 0 ? 'none' : given.join(', '))
  const value = deployment[kind]
  switch (kind) {
    case 'source':
      if (typeof value !== 'string') throw invalidOption('source', 'a string', value)
      return fromFiles({ [sourceFile]: value })
    case 'files':
      if (!isRecord(value)) throw invalidOption('files', 'an object from path to text or bytes', value)
      return fromFiles(value)
    case 'archive':
      if (!(value instanceof Uint8Array)) throw invalidOption('archive', 'the bytes of a .tar.gz or .zip', value)
      return fromArchive(value)
    case 'directory':
      return fromDirectory(givenPath('directory', value))
    case 'path':
      break
  }
  return fromPath(givenPath(kind, value))
}

function fromFiles(given: Record<string, unknown>): SourceFiles {
  const files = new FileCollector()
  for (const [spelled, content] of Object.entries(given)) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    if (!(bytes instanceof Uint8Array)) throw invalidOption(`files.${spelled}`, 'a string or bytes', content)
    const path = files.accept(spelled)
    // Copied: the caller may change its buffer while the analysis runs.
    if (path !== undefined) files.add(path, typeof content === 'string' ? bytes : new Uint8Array(bytes))
  }
  return { files: files.finish(false) }
}

async function fromArchive(archive: Uint8Array): Promise<SourceFiles> {
  if (archive.byteLength > uploadLimits.totalBytes) {
    throw refuseUpload('upload-limit', '', `the archive is larger than ${uploadLimits.totalBytes} bytes. Leave out what the function does not need`)
  }
  const files = new FileCollector()
  if (isGzip(archive)) {
    const { unpackTarGz } = await import('./tar-archive.ts')
    await unpackTarGz(archive, files)
  } else if (isZip(archive)) {
    const { unpackZip } = await import('./zip-archive.ts')
    await unpackZip(archive, files)
  } else {
    throw refuseUpload('upload-archive', '', 'it is neither a .tar.gz nor a .zip. Pack it as one of the two')
  }
  return { files: files.finish(true) }
}

async function fromDirectory(directory: string): Promise<SourceFiles> {
  const root = await realpath(directory).catch((error: unknown) => {
    throw unreadable(directory, error)
  })
  const files = new FileCollector()
  await readDirectory(root, files)
  return { files: files.finish(false) }
}

async function fromPath(given: string): Promise<SourceFiles> {
  const path = await realpath(given).catch((error: unknown) => {
    throw unreadable(given, error)
  })
  const stats = await stat(path)
  if (stats.isDirectory()) return fromDirectory(path)
  const name = basename(path)
  if (!/\.(zip|tgz|tar\.gz)$/i.test(name)) {
    const files = new FileCollector()
    const accepted = files.accept(name)
    if (accepted === undefined) throw refuseUpload('upload-path', name, 'a file of this name is never uploaded. Rename it')
    files.add(accepted, await readPlainFile(path, accepted, files))
    return { files: files.finish(false), entry: accepted }
  }
  return fromArchive(await readPlainFile(path, name, { reserve: archiveSize }))
}

function archiveSize(path: string, bytes: number): void {
  if (bytes > uploadLimits.totalBytes) {
    throw refuseUpload('upload-limit', path, `the archive is larger than ${uploadLimits.totalBytes} bytes. Leave out what the function does not need`)
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** A local file header, or the end record of an archive without entries. */
function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6))
}

function givenPath(option: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw invalidOption(option, 'a path', value)
  return value
}

function givenEntry(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '') throw invalidOption('entry', 'the path of a file in the upload', value)
  return entryPath(value)
}

/** Checked here, so that a wrong override is the caller's INVALID_OPTION and not a finding about the code. */
function givenConfig(value: unknown): FunctionConfig | undefined {
  if (value === undefined) return undefined
  if (!isRecord(value)) throw invalidOption('config', 'an object', value)
  resolveFunctionConfig(value)
  // A copy, since the caller's object is never kept; JSON is all that a configuration can hold.
  let json: string
  try {
    json = JSON.stringify(value)
  } catch (error) {
    throw invalidOption('config', `data that JSON can hold (${reasonOf(error)})`, value)
  }
  if (json.length > uploadLimits.configLength) throw invalidOption('config', `at most ${uploadLimits.configLength} characters of JSON`, json)
  const copy: unknown = JSON.parse(json)
  // Checked again: a `toJSON` may have made it something else.
  resolveFunctionConfig(copy)
  return isRecord(copy) ? copy : undefined
}
