import { ts } from '@ts-morph/common'
import type { HostPackages } from '../bundle/host-packages.ts'
import { joinInside, type PackageTree } from '../bundle/package-tree.ts'

/** Most bytes of declarations that one program takes from packages; the largest packages of npm have about five megabytes. */
const maxPackageBytes = 10_000_000
/** Most bytes of parsed declarations that are kept for the next upload. */
const maxKeptBytes = 20_000_000

/** The files of an upload and of the packages it may use as the compiler sees them: absolute paths, the upload at the root. */
export interface TypeFiles {
  has(fileName: string): boolean
  readText(fileName: string): string | undefined
  parse(fileName: string): ts.SourceFile | undefined
}

/** What the files come from. */
export interface TypeFilesOptions {
  readonly upload: PackageTree
  readonly packages: HostPackages
  /** Files that are parsed already, by path inside the upload. */
  readonly parsed: ReadonlyMap<string, ts.SourceFile>
}

/** Declarations of packages of the host, parsed: most uploads import the same few packages. The text is compared, so a package may change. */
const kept = new Map<string, { readonly text: string; readonly file: ts.SourceFile }>()
let keptBytes = 0

/** Opens the files of one analysis. Nothing is read but the upload and the packages that the host allows. */
export function createTypeFiles({ upload, packages, parsed }: TypeFilesOptions): TypeFiles {
  const decoder = new TextDecoder()
  let packageBytes = 0

  function locate(fileName: string): { readonly tree: PackageTree; readonly path: string } | undefined {
    const path = fileName.replace(/^\//, '')
    if (upload.has(path)) return { tree: upload, path }
    const [before, ...parts] = `/${path}`.split('/node_modules/')
    if (before !== '' || packageBytes > maxPackageBytes) return undefined
    let tree: PackageTree | undefined
    let rest = ''
    for (const part of parts) {
      const name = /^(?:@[^/]+\/)?[^/]+/.exec(part)?.[0] ?? ''
      tree = (tree === undefined ? packages.findAllowed(name) : packages.findDependency(tree, name))?.tree
      if (tree === undefined) return undefined
      rest = part.slice(name.length + 1)
    }
    const inside = joinInside('', rest)
    return tree !== undefined && inside !== undefined && inside !== '' && tree.has(inside) ? { tree, path: inside } : undefined
  }

  function readText(fileName: string): string | undefined {
    const found = locate(fileName)
    if (found === undefined) return undefined
    const bytes = found.tree.read(found.path)
    if (found.tree !== upload || found.path.includes('node_modules/')) packageBytes += bytes.byteLength
    return decoder.decode(bytes)
  }

  return {
    has: (fileName) => locate(fileName) !== undefined,
    readText,
    parse(fileName) {
      const known = parsed.get(fileName.slice(1))
      if (known !== undefined) return known
      const text = readText(fileName)
      if (text === undefined) return undefined
      if (locate(fileName)?.tree === upload) return parseText(fileName, text)
      return parseKept(fileName, text)
    },
  }
}

function parseKept(fileName: string, text: string): ts.SourceFile {
  const known = kept.get(fileName)
  if (known?.text === text) return known.file
  const file = parseText(fileName, text)
  keptBytes += text.length - (known?.text.length ?? 0)
  if (keptBytes > maxKeptBytes) {
    kept.clear()
    keptBytes = text.length
  }
  kept.set(fileName, { text, file })
  return file
}

function parseText(fileName: string, text: string): ts.SourceFile {
  return ts.createSourceFile(fileName, text, { languageVersion: ts.ScriptTarget.ESNext, jsDocParsingMode: ts.JSDocParsingMode.ParseAll }, false)
}
