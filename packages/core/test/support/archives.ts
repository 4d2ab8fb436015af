import { crc32, deflateRawSync, gzipSync } from 'node:zlib'
import { pack, type Header } from 'tar-stream'

/** One entry of a tar archive. */
export interface TarEntry {
  readonly name: string
  readonly content?: string | Uint8Array
  readonly type?: Header['type']
  readonly linkname?: string
}

/** Packs entries into a .tar.gz, whatever they are. */
export async function tarGz(entries: readonly TarEntry[]): Promise<Buffer> {
  return gzipSync(await tar(entries))
}

/** Packs entries into a tar stream. */
export async function tar(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack()
  for (const { name, content = '', type = 'file', linkname } of entries) {
    archive.entry({ name, type, ...(linkname === undefined ? {} : { linkname }) }, type === 'file' ? Buffer.from(content) : '')
  }
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) {
    if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks)
}

/** One entry of a zip archive; the optional fields let it lie. */
export interface ZipEntry {
  readonly name: string
  readonly content?: string | Uint8Array
  readonly method?: number
  readonly localName?: string
  /** Announced size, when it is not the real one. */
  readonly size?: number
  readonly crc?: number
  readonly mode?: number
  /** General purpose flags. @default names are UTF-8 */
  readonly flags?: number
  /** Index of the entry whose bytes this one points at. */
  readonly sameAs?: number
}

/** Packs entries into a .zip by hand, since no library writes archives that lie. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = []
  const offsets: number[] = []
  let length = 0
  const directory = entries.map((entry) => {
    const content = Buffer.from(entry.content ?? '')
    const method = entry.method ?? 8
    const data = method === 8 ? deflateRawSync(content) : content
    const size = entry.size ?? content.byteLength
    const crc = entry.crc ?? crc32(content)
    const fields = { method, crc, packed: data.byteLength, size, flags: entry.flags ?? 0x800 }
    const offset = entry.sameAs === undefined ? length : (offsets[entry.sameAs] ?? 0)
    offsets.push(offset)
    if (entry.sameAs === undefined) {
      const local = Buffer.concat([header(0x04034b50, [20], fields, entry.localName ?? entry.name), Buffer.from(entry.localName ?? entry.name), data])
      parts.push(local)
      length += local.byteLength
    }
    return centralHeader(entry, fields, offset)
  })
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.byteLength, 12)
  end.writeUInt32LE(length, 16)
  return Buffer.concat([...parts, central, end])
}

interface Fields {
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly flags: number
}

function header(signature: number, versions: readonly number[], { method, crc, packed, size, flags }: Fields, name: string): Buffer {
  const bytes = Buffer.alloc(26 + versions.length * 2 + 2)
  let at = bytes.writeUInt32LE(signature, 0)
  for (const version of versions) at = bytes.writeUInt16LE(version, at)
  at = bytes.writeUInt16LE(flags, at)
  at = bytes.writeUInt16LE(method, at)
  at = bytes.writeUInt32LE(0, at)
  at = bytes.writeUInt32LE(crc >>> 0, at)
  at = bytes.writeUInt32LE(packed, at)
  at = bytes.writeUInt32LE(size, at)
  at = bytes.writeUInt16LE(Buffer.byteLength(name), at)
  bytes.writeUInt16LE(0, at)
  return bytes
}

function centralHeader(entry: ZipEntry, fields: Fields, offset: number): Buffer {
  // Version made by: 3 is Unix, so that the mode counts.
  const start = header(0x02014b50, [(3 << 8) | 20, 20], fields, entry.name)
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6)
  rest.writeUInt32LE(offset, 10)
  return Buffer.concat([start, rest, Buffer.from(entry.name)])
}
