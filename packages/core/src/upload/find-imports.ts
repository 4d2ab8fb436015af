import { readFile } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import type { PluginBuild } from 'esbuild'

/** What code needs besides itself. */
export interface Imports {
  /** Absolute paths of files that are not in a `node_modules`. */
  readonly own: readonly string[]
  /** Files of npm packages by their path in the upload, `node_modules/<name>/…`. */
  readonly packages: ReadonlyMap<string, Uint8Array>
}

/**
 * Follows the imports of `entries` as the analyzer's bundler will, and reads the package files that are reached. What
 * cannot be resolved or parsed is left out: the analyzer says it better, with a place and a frame.
 */
export async function findImports(entries: readonly string[], folder: string): Promise<Imports> {
  if (entries.length === 0) return { own: [], packages: new Map() }
  const inputs = await bundleInputs(entries, folder)
  const paths = inputs.map((input) => resolve(folder, input))
  const packages = new Map<string, Uint8Array>()
  for (const path of paths) {
    const place = placeInPackage(path)
    if (place === undefined) continue
    packages.set(place.uploadPath, await readFile(path))
    const manifest = `${place.uploadRoot}/package.json`
    if (!packages.has(manifest)) packages.set(manifest, await readFile(join(place.root, 'package.json')))
  }
  return { own: paths.filter((path) => placeInPackage(path) === undefined), packages }
}

async function bundleInputs(entries: readonly string[], folder: string): Promise<string[]> {
  const { build } = await import('esbuild')
  try {
    const { metafile } = await build({
      entryPoints: [...entries],
      absWorkingDir: folder,
      outdir: folder,
      bundle: true,
      write: false,
      metafile: true,
      // The same conditions as in the analyzer, so that the same files are found.
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      // No tsconfig of the machine takes part, as none does on the host.
      tsconfigRaw: '{}',
      plugins: [{ name: 'leave-out-what-is-missing', setup: leaveOutMissing }],
    })
    return Object.keys(metafile.inputs).filter((input) => !/^[\w-]{2,}:/.test(input))
  } catch {
    return []
  }
}

function leaveOutMissing(build: PluginBuild): void {
  build.onResolve({ filter: /.*/ }, async ({ path, pluginData, ...rest }) => {
    if (pluginData === 'asked' || rest.kind === 'entry-point') return undefined
    const { resolveDir, importer, kind, namespace } = rest
    const found = await build.resolve(path, { resolveDir, importer, kind, namespace, pluginData: 'asked' })
    return found.errors.length > 0 ? { path, external: true } : found
  })
}

interface Place {
  /** Folder of the package on this machine. */
  readonly root: string
  readonly uploadRoot: string
  readonly uploadPath: string
}

/**
 * Where a file of a package goes in the upload. Nested packages stay nested; the store of pnpm
 * (`node_modules/.pnpm/<id>/node_modules/<name>`) is flattened.
 */
function placeInPackage(path: string): Place | undefined {
  const parts = path.split(sep)
  const last = parts.lastIndexOf('node_modules')
  if (last === -1) return undefined
  const nameLength = parts[last + 1]?.startsWith('@') === true ? 2 : 1
  const first = parts.includes('.pnpm') ? last : parts.indexOf('node_modules')
  const end = last + 1 + nameLength
  return { root: parts.slice(0, end).join(sep), uploadRoot: parts.slice(first, end).join('/'), uploadPath: parts.slice(first).join('/') }
}
