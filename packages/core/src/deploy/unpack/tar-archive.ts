import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { PlatformError } from '@cordon/contracts'
import { refuseUpload } from '../rejected.ts'
import type { FileCollector } from './file-collector.ts'
import { isBomb, uploadLimits } from './upload-limits.ts'

/**
 * Unpacks a .tar.gz into the collector.
 *
 * @throws PlatformError DEPLOYMENT_REJECTED
 */
export async function unpackTarGz(archive: Uint8Array, files: FileCollector): Promise<void> {
  const tar = await inflate(archive)
  const entries = extract()
  // Its end waits for the entries to be read; a damaged archive is reported by the loop.
  entries.end(tar)
  try {
    for await (const entry of entries) {
      const { name, type, size } = entry.header
      const path = files.accept(name)
      if (type === 'file' || type === 'contiguous-file') {
        if (path !== undefined) {
          files.reserve(path, size)
          files.add(path, await gather(entry))
        }
      } else if (type !== 'directory') {
        throw refuseUpload('upload-link', name, `it is ${article(type)}. Only files and folders can be uploaded`)
      }
      entry.resume()
    }
  } catch (error) {
    if (error instanceof PlatformError) throw error
    throw refuseUpload('upload-archive', '', `the tar archive is damaged (${reason(error)}). Pack the upload again`)
  }
}

async function inflate(archive: Uint8Array): Promise<Buffer> {
  let tar: Buffer
  try {
    tar = await promisify(gunzip)(archive, { maxOutputLength: uploadLimits.totalBytes })
  } catch (error) {
    if (error instanceof RangeError) {
      throw refuseUpload('upload-limit', '', `it unpacks to more than ${uploadLimits.totalBytes} bytes. Leave out what the function does not need`)
    }
    throw refuseUpload('upload-archive', '', `the gzip data is damaged (${reason(error)}). Pack the upload again`)
  }
  if (isBomb(archive.byteLength, tar.byteLength)) {
    throw refuseUpload('upload-limit', '', `it unpacks to more than ${uploadLimits.ratio} times its size. Leave out what the function does not need`)
  }
  return tar
}

async function gather(entry: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of entry) {
    if (chunk instanceof Uint8Array) chunks.push(chunk)
  }
  // Copied, so that a small file does not keep the whole archive in memory.
  return new Uint8Array(Buffer.concat(chunks))
}

function article(type: string | null | undefined): string {
  switch (type) {
    case 'link':
      return 'a hard link'
    case 'symlink':
      return 'a symbolic link'
    case 'character-device':
    case 'block-device':
      return 'a device'
    case 'fifo':
      return 'a named pipe'
    default:
      return 'of an unknown kind'
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
