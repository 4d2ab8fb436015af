import { posix } from 'node:path'
import { findScope, joinInside, readManifest, type PackageTree } from './package-tree.ts'

/** Extensions that an import may leave out, in the order they are tried. */
const implied = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json']

/** TypeScript writes the extension of the output in imports; the file on disk has the one of the source. */
const written: ReadonlyMap<string, readonly string[]> = new Map([
  ['.js', ['.ts', '.tsx', '.jsx']],
  ['.jsx', ['.tsx']],
  ['.mjs', ['.mts']],
  ['.cjs', ['.cts']],
])

/** Finds the file that an import of `path` means: itself, with another extension, or the main file of a directory. */
export function findFile(tree: PackageTree, path: string): string | undefined {
  return findPlainFile(tree, path) ?? findMain(tree, path)
}

/** Finds the main file of a directory with or without a `package.json`. */
export function findMain(tree: PackageTree, directory: string): string | undefined {
  const manifest = readManifest(tree, joinInside(directory, 'package.json') ?? 'package.json')
  if (manifest.main !== undefined) {
    const main = joinInside(directory, manifest.main)
    const found = main === undefined ? undefined : (findPlainFile(tree, main) ?? findIndex(tree, main))
    if (found !== undefined) return found
  }
  return findIndex(tree, directory)
}

/** Which file an upload starts with: `entry`, else `package.json#main`, else `index.{ts,tsx,mts,js,mjs,cjs}`. */
export function findEntry(tree: PackageTree, entry: string | undefined): string | undefined {
  if (entry !== undefined) {
    const path = joinInside('', entry)
    return path !== undefined && tree.has(path) ? path : undefined
  }
  const main = findScope({ tree, path: 'package.json' }).manifest.main
  const named = main === undefined ? undefined : joinInside('', main)
  if (named !== undefined) {
    const found = findPlainFile(tree, named) ?? findIndex(tree, named)
    if (found !== undefined) return found
  }
  return ['.ts', '.tsx', '.mts', '.js', '.mjs', '.cjs'].map((extension) => `index${extension}`).find((path) => tree.has(path))
}

function findPlainFile(tree: PackageTree, path: string): string | undefined {
  if (path !== '' && tree.has(path)) return path
  const extension = posix.extname(path)
  const stem = path.slice(0, path.length - extension.length)
  const substitute = (written.get(extension) ?? []).map((one) => stem + one).find((one) => tree.has(one))
  return substitute ?? implied.map((one) => path + one).find((one) => tree.has(one))
}

function findIndex(tree: PackageTree, directory: string): string | undefined {
  return implied.map((extension) => (directory === '' ? `index${extension}` : `${directory}/index${extension}`)).find((path) => tree.has(path))
}
