import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, parse, sep } from 'node:path'
import type { PackageOptions } from '@cordon/contracts'
import { readManifest, type PackageManifest, type PackageTree } from './package-tree.ts'

/** A package of the host that the upload may use: an allowed one, or a dependency of one. */
export interface HostPackage {
  readonly tree: PackageTree
  readonly manifest: PackageManifest
}

/** Finds packages of the host. */
export interface HostPackages {
  /** The package as seen from `packages.from`; `undefined` when it is not allowed or not installed. */
  findAllowed(name: string): HostPackage | undefined
  /**
   * A package that the package of `importer` imports: a dependency that it declares, or one that the host allows anyway
   * (many packages import their framework without declaring it). `undefined` when it is neither, or not installed.
   */
  findDependency(importer: PackageTree, name: string): HostPackage | undefined
  /** Whether a package was looked for on the disk. */
  isUsed(): boolean
}

/** Names that npm accepts, scoped or not. Anything else could be a path. */
const packageName = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i

/**
 * Opens the packages that `options.allow` names, and what they depend on. A tree reads nothing outside its package's own
 * directory, whatever its symlinks, `main` or `exports` say: every path is resolved by the operating system before it is opened.
 */
export function createHostPackages(options: PackageOptions): HostPackages {
  const allowed = new Set(options.allow)
  const directories = new Map<PackageTree, string>()
  const opened = new Map<string, HostPackage>()
  let used = false

  function open(directory: string): HostPackage {
    const known = opened.get(directory)
    if (known !== undefined) return known
    const bare = createPackageTree(directory, '')
    const manifest = readManifest(bare, 'package.json')
    const tree = createPackageTree(directory, `node_modules/${manifest.name ?? 'unnamed'}@${manifest.version ?? '0.0.0'}/`)
    const found: HostPackage = { tree, manifest }
    opened.set(directory, found)
    directories.set(tree, directory)
    return found
  }

  function find(from: string, name: string): HostPackage | undefined {
    used = true
    if (!packageName.test(name)) return undefined
    for (let directory = from; ; directory = dirname(directory)) {
      const candidate = join(directory, 'node_modules', ...name.split('/'))
      if (isFile(join(candidate, 'package.json'))) return open(realpathSync(candidate))
      if (directory === parse(directory).root) return undefined
    }
  }

  return {
    isUsed: () => used,
    findAllowed: (name) => (allowed.has(name) ? find(options.from, name) : undefined),
    findDependency(importer, name) {
      const directory = directories.get(importer)
      if (directory === undefined) return undefined
      const isDeclared = opened.get(directory)?.manifest.dependencies.has(name) === true
      return isDeclared || allowed.has(name) ? find(directory, name) : undefined
    },
  }
}

function createPackageTree(directory: string, prefix: string): PackageTree {
  const inside = directory.endsWith(sep) ? directory : directory + sep
  const known = new Map<string, string | undefined>()

  /** The real path of a file of this package; `undefined` when there is none or it lies elsewhere. */
  function locate(path: string): string | undefined {
    if (known.has(path)) return known.get(path)
    // Packages inside of one are packages of their own, which only `findDependency` gives.
    const real = /(?:^|\/)node_modules\//.test(path) ? undefined : realFile(join(directory, ...path.split('/')))
    const found = real !== undefined && real.startsWith(inside) ? real : undefined
    known.set(path, found)
    return found
  }

  return {
    prefix,
    has: (path) => locate(path) !== undefined,
    read(path) {
      const real = locate(path)
      if (real === undefined) throw new Error(`Cannot read "${path}": it is not in ${prefix}`)
      return readFileSync(real)
    },
  }
}

function realFile(path: string): string | undefined {
  try {
    const real = realpathSync(path)
    return statSync(real).isFile() ? real : undefined
  } catch {
    return undefined
  }
}

function isFile(path: string): boolean {
  return realFile(path) !== undefined
}
