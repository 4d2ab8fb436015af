import { promisify } from 'node:util'
import { crc32, inflateRaw } from 'node:zlib'
import { fromBufferPromise, type Entry, type ZipFile } from 'yauzl'
import { PlatformError } from '@cordon/contracts'
import { refuseUpload } from '../rejected.ts'
import type { FileCollector } from './file-collector.ts'
import { isBomb, uploadLimits } from './upload-limits.ts'

interface Extent {
  readonly path: string
  readonly start: number
  readonly end: number
}

/**
 * Unpacks a .zip into the collector. The central directory is what counts; a local header that tells another story,
 * and entries that share bytes, are refused, since that is how one archive is made to look different to two readers.
 *
 * @throws PlatformError DEPLOYMENT_REJECTED
 */
export async function unpackZip(archive: Uint8Array, files: FileCollector): Promise<void> {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)
  try {
    const zip = await fromBufferPromise(bytes, { lazyEntries: true, strictFileNames: true, validateEntrySizes: true })
    if (zip.entryCount > uploadLimits.entries) {
      throw refuseUpload('upload-limit', '', `it has more than ${uploadLimits.entries} entries. Leave out what the function does not need`)
    }
    const extents: Extent[] = []
    for await (const entry of zip.eachEntry()) extents.push(await unpackEntry(bytes, zip, entry, files))
    refuseOverlaps(extents)
  } catch (error) {
    if (error instanceof PlatformError) throw error
    throw refuseUpload(
      'upload-archive',
      '',
      `the zip archive is damaged or unsafe (${error instanceof Error ? error.message : String(error)}). Pack the upload again`,
    )
  }
}

async function unpackEntry(bytes: Buffer, zip: ZipFile, entry: Entry, files: FileCollector): Promise<Extent> {
  const name = entry.fileName
  const path = files.accept(name)
  refuseKind(entry)
  const header = await zip.readLocalFileHeaderPromise(entry)
  if (!header.fileName.equals(entry.fileNameRaw) || header.compressionMethod !== entry.compressionMethod) {
    throw refuseUpload('upload-archive', name, 'its local header and the central directory disagree. Pack the upload again')
  }
  const extent = { path: name, start: entry.relativeOffsetOfLocalHeader, end: header.fileDataStart + entry.compressedSize }
  if (extent.end > bytes.byteLength) throw refuseUpload('upload-archive', name, 'it is cut short. Pack the upload again')
  if (path === undefined || name.endsWith('/')) return extent
  files.reserve(path, entry.uncompressedSize)
  if (isBomb(entry.compressedSize, entry.uncompressedSize)) {
    throw refuseUpload('upload-limit', name, `it unpacks to more than ${uploadLimits.ratio} times its size. Leave it out`)
  }
  files.add(path, await inflate(bytes.subarray(header.fileDataStart, extent.end), entry))
  return extent
}

function refuseKind(entry: Entry): void {
  const name = entry.fileName
  if (entry.isEncrypted()) throw refuseUpload('upload-archive', name, 'it is encrypted. Pack the upload without a password')
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    throw refuseUpload('upload-archive', name, `it is packed by method ${entry.compressionMethod}. Use deflate or no compression`)
  }
  // The upper half of the attributes is a Unix mode; zero where the archive was made elsewhere.
  const kind = (entry.externalFileAttributes >>> 16) & 0o170000
  if (kind === 0o120000) throw refuseUpload('upload-link', name, 'it is a symbolic link. Only files and folders can be uploaded')
  if (kind !== 0 && kind !== 0o100000 && kind !== 0o040000) {
    throw refuseUpload('upload-link', name, 'it is a device, pipe or socket. Only files and folders can be uploaded')
  }
}

async function inflate(packed: Buffer, entry: Entry): Promise<Uint8Array> {
  const size = entry.uncompressedSize
  let content: Uint8Array
  try {
    // One byte of room above the announced size is enough to see that it lies; zero would mean "no limit".
    content = entry.compressionMethod === 0 ? new Uint8Array(packed) : await promisify(inflateRaw)(packed, { maxOutputLength: size + 1 })
  } catch (error) {
    if (error instanceof RangeError) throw wrongSize(entry)
    throw refuseUpload(
      'upload-archive',
      entry.fileName,
      `it is damaged (${error instanceof Error ? error.message : String(error)}). Pack the upload again`,
    )
  }
  if (content.byteLength !== size) throw wrongSize(entry)
  if (crc32(content) !== entry.crc32) throw refuseUpload('upload-archive', entry.fileName, 'its checksum is wrong. Pack the upload again')
  return content
}

function wrongSize(entry: Entry): PlatformError {
  return refuseUpload(
    'upload-archive',
    entry.fileName,
    `it does not have the ${entry.uncompressedSize} bytes that the archive says. Pack the upload again`,
  )
}

function refuseOverlaps(extents: readonly Extent[]): void {
  const sorted = extents.toSorted((a, b) => a.start - b.start)
  sorted.forEach((extent, index) => {
    const next = sorted[index + 1]
    if (next !== undefined && next.start < extent.end) {
      throw refuseUpload('upload-archive', next.path, `it shares bytes with "${extent.path}". Pack the upload again`)
    }
  })
}
