import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { isRecord, PlatformError } from '@cordon/contracts'
import { CopyTally, type CopyHead, type CopyTotals, type PlatformItem } from './platform-item.ts'

/**
 * The file of a backup: one line of JSON (the head), then, compressed with gzip, one frame after the other, then `sha256 `, 64 hexadecimal digits
 * of everything before, and a line feed. A frame is a letter (`J` an item as JSON, `D` rows of a table in COPY text format), its length in four bytes,
 * highest first, and its content. docs/guides/backup.md describes it.
 */
const format = 'cordon backup'
const version = 1
const trailerBytes = 72
const headerBytes = 4096
/** Letter and length. */
const frameHead = 5
/** A frame that says it is longer is none. */
const maxFrameBytes = 1_073_741_824

/** A backup that was read to its end once: it is whole. */
export interface BackupFile {
  readonly head: CopyHead
  readonly bytes: number
  items(): AsyncGenerator<PlatformItem | Uint8Array, void, undefined>
}

/** What was written. */
export interface WrittenBackup extends CopyTotals {
  readonly bytes: number
}

/**
 * Writes a backup beside its place, reads it again, and gives it its name only then: a file of that name is whole.
 *
 * @throws PlatformError INVALID_OPTION when the file is there already or cannot be written
 */
export async function writeBackup(path: string, head: CopyHead, items: AsyncIterable<PlatformItem | Uint8Array>): Promise<WrittenBackup> {
  const fresh = `${path}.partial-${process.pid}`
  try {
    if (await exists(path)) throw new PlatformError('INVALID_OPTION', `Cannot write the backup: there is a file "${path}" already`)
    const file = await open(fresh, 'wx', 0o600)
    try {
      await writeContent(file, head, items)
      await file.sync()
    } finally {
      await file.close()
    }
    const written = await verify(fresh)
    await rename(fresh, path)
    await syncFolder(dirname(path))
    return written
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined)
    throw fileProblem(error, 'write', path)
  }
}

async function writeContent(file: FileHandle, head: CopyHead, items: AsyncIterable<PlatformItem | Uint8Array>): Promise<void> {
  const hash = createHash('sha256')
  const header = Buffer.from(`${JSON.stringify({ format, version, ...head })}\n`)
  hash.update(header)
  await file.writeFile(header)
  await pipeline(encode(items), createGzip({ level: 3, chunkSize: 65_536 }), async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const chunk of chunks) {
      hash.update(chunk)
      await file.writeFile(chunk)
    }
  })
  await file.writeFile(`sha256 ${hash.digest('hex')}\n`)
}

async function* encode(items: AsyncIterable<PlatformItem | Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const item of items) {
    const content = item instanceof Uint8Array ? item : Buffer.from(JSON.stringify(item))
    const head = Buffer.alloc(frameHead)
    head.write(item instanceof Uint8Array ? 'D' : 'J', 0, 'latin1')
    head.writeUInt32BE(content.length, 1)
    yield Buffer.concat([head, content])
  }
}

/** Reads what was written to its end, and compares what is in it with what it says. */
async function verify(path: string): Promise<WrittenBackup> {
  const backup = await openBackup(path)
  const tally = new CopyTally()
  let isEnded = false
  for await (const item of backup.items()) {
    if (item instanceof Uint8Array) continue
    tally.add(item)
    isEnded = item.kind === 'end'
  }
  if (!isEnded) throw broken(path, 'it ends too early')
  return { bytes: backup.bytes, ...tally.totals }
}

/**
 * Opens a backup, after its checksum was compared: a file that was cut off or altered is not even begun with.
 *
 * @throws PlatformError INVALID_INPUT, INVALID_OPTION when it cannot be read
 */
export async function openBackup(path: string): Promise<BackupFile> {
  try {
    const { size } = await stat(path)
    const { head, length } = await readHeader(path)
    await compareChecksum(path, size)
    return { head, bytes: size, items: () => decode(path, length, size - trailerBytes) }
  } catch (error) {
    throw fileProblem(error, 'read', path)
  }
}

async function readHeader(path: string): Promise<{ head: CopyHead; length: number }> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0)
    const end = buffer.subarray(0, bytesRead).indexOf(0x0a)
    const parsed = parse(buffer.subarray(0, Math.max(end, 0)).toString())
    if (!isRecord(parsed) || parsed['format'] !== format) throw broken(path, 'it is no backup of Cordon')
    const { schema, server, createdAt } = parsed
    if (parsed['version'] !== version)
      throw broken(path, `its format is ${String(parsed['version'])}, and this version of Cordon reads ${version}. Use the version that wrote it`)
    if (typeof schema !== 'number' || typeof server !== 'string' || typeof createdAt !== 'string') throw broken(path, 'its head is damaged')
    return { head: { schema, server, createdAt }, length: end + 1 }
  } finally {
    await file.close()
  }
}

async function compareChecksum(path: string, size: number): Promise<void> {
  const hash = createHash('sha256')
  const end = Math.max(size - trailerBytes, 0)
  if (end > 0)
    for await (const chunk of createReadStream(path, { end: end - 1, highWaterMark: 262_144 })) if (chunk instanceof Uint8Array) hash.update(chunk)
  let trailer = ''
  for await (const chunk of createReadStream(path, { start: end, encoding: 'latin1' })) trailer += String(chunk)
  if (trailer !== `sha256 ${hash.digest('hex')}\n`) throw broken(path, 'it is not whole, or was altered: its checksum is another')
}

async function* decode(path: string, start: number, end: number): AsyncGenerator<PlatformItem | Uint8Array, void, undefined> {
  const source = createReadStream(path, { start, end: end - 1 })
  const gunzip = createGunzip()
  const done = pipeline(source, gunzip)
  // Whoever stops reading early breaks it off.
  done.catch(() => undefined)
  let parts: Uint8Array[] = []
  let length = 0
  let wanted = frameHead
  for await (const chunk of gunzip) {
    if (!(chunk instanceof Uint8Array)) continue
    parts.push(chunk)
    length += chunk.length
    if (length < wanted) continue
    // Only now, or a long frame would be put together again with every piece of it.
    let rest = Buffer.concat(parts)
    for (;;) {
      wanted = rest.length < frameHead ? frameHead : frameHead + rest.readUInt32BE(1)
      if (wanted > maxFrameBytes) throw broken(path, 'a frame in it is too long')
      if (rest.length < wanted) break
      yield itemFrom(path, rest.toString('latin1', 0, 1), rest.subarray(frameHead, wanted))
      rest = rest.subarray(wanted)
    }
    parts = [rest]
    length = rest.length
  }
  if (length > 0) throw broken(path, 'it ends in the middle of a frame')
}

/** Kinds of items that this version knows; what it does not know it cannot load. */
const kinds = new Set(['tenant', 'database', 'owner', 'statement', 'table', 'rows', 'store', 'partition', 'sequence', 'end'])

function itemFrom(path: string, letter: string, content: Buffer): PlatformItem | Uint8Array {
  if (letter === 'D') return content
  const item = letter === 'J' ? parse(content.toString()) : undefined
  if (!isItem(item)) throw broken(path, 'there is something in it that this version of Cordon does not know')
  return item
}

/** Whether it says what it is. A checksum without a key finds damage, not forgery: who loads an item looks at what becomes a part of a statement. */
function isItem(value: unknown): value is PlatformItem {
  return isRecord(value) && typeof value['kind'] === 'string' && kinds.has(value['kind'])
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function broken(path: string, state: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `Cannot use the backup "${path}": ${state}`)
}

function fileProblem(error: unknown, act: string, path: string): unknown {
  if (error instanceof PlatformError || !(error instanceof Error && 'code' in error)) return error
  return new PlatformError('INVALID_OPTION', `Cannot ${act} the backup "${path}": ${error.message}`, { cause: error })
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
