import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Offsets and sizes of the 64-bit ELF format (elf.h): file header, program headers, and the type of the one that names the loader. */
const elf = { headerBytes: 64, programOffset: 32, entryBytes: 54, entryCount: 56, interpreter: 3, offsetInEntry: 8, sizeInEntry: 32 } as const
/** Longest loader path that is believed: PATH_MAX. */
const maxPathBytes = 4096

/**
 * The files that the system's loader opens when `program` starts: the loader itself and the shared libraries, by the
 * paths at which it finds them. Empty for a static program.
 */
export async function sharedLibraries(program: string): Promise<readonly string[]> {
  const loader = await loaderOf(program)
  if (loader === undefined) return []
  // Both glibc and musl list instead of running when asked so. Lines are "name => path (address)" or "path (address)".
  const { stdout } = await run(loader, ['--list', program])
  const found = Array.from(stdout.matchAll(/^\s*(?:\S+ => )?(\/\S.*?) \(0x[0-9a-f]+\)$/gm), ([, path]) => path)
  return [...new Set([loader, ...found.filter((path) => path !== undefined)])]
}

async function loaderOf(program: string): Promise<string | undefined> {
  const file = await open(program)
  try {
    const header = await read(elf.headerBytes, 0)
    const entryBytes = header.readUInt16LE(elf.entryBytes)
    const table = await read(entryBytes * header.readUInt16LE(elf.entryCount), Number(header.readBigUInt64LE(elf.programOffset)))
    for (let at = 0; at < table.length; at += entryBytes) {
      if (table.readUInt32LE(at) !== elf.interpreter) continue
      const size = Math.min(Number(table.readBigUInt64LE(at + elf.sizeInEntry)), maxPathBytes)
      const path = await read(size, Number(table.readBigUInt64LE(at + elf.offsetInEntry)))
      return path.toString('utf8').replace(/\0.*$/s, '')
    }
    return undefined
  } finally {
    await file.close()
  }

  async function read(length: number, position: number): Promise<Buffer> {
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, position)
    return buffer
  }
}
