/**
 * Bounds of an upload while it is unpacked into memory. They only keep unpacking cheap and bounded; how much source
 * the analyzer accepts (1 MB a file, 5 MB an upload, packages apart) is its own, smaller limit. The numbers leave room
 * for an upload that carries a `node_modules` of a few dozen packages.
 */
export const uploadLimits = {
  /** Entries of an archive, directories and ignored entries included. */
  entries: 10_000,
  /** Bytes of one file. */
  fileBytes: 10_000_000,
  /** Bytes of all files together, and of a tar stream with its headers. */
  totalBytes: 64_000_000,
  /** Folders above a file. */
  depth: 32,
  /** UTF-8 bytes of a path. PostgreSQL, file systems and people all want less than this. */
  pathBytes: 512,
  /** Characters of a configuration as JSON: it is kept in memory with its version, its schemas are compiled. */
  configLength: 100_000,
  /** Unpacked bytes per packed byte. Source text packs 3 to 10 times; deflate can reach 1032. */
  ratio: 200,
  /** Unpacked size below which the ratio does not matter. */
  ratioFreeBytes: 1_000_000,
} as const

/** True when so many unpacked bytes from so few packed ones are a bomb rather than text. */
export function isBomb(packedBytes: number, unpackedBytes: number): boolean {
  return unpackedBytes > uploadLimits.ratioFreeBytes && unpackedBytes > packedBytes * uploadLimits.ratio
}
