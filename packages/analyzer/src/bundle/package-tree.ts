import { posix } from 'node:path'

/** The parts of a `package.json` that resolution reads. Every part is the author's word: nothing is believed but its shape. */
export interface PackageManifest {
  readonly name: string | undefined
  readonly version: string | undefined
  /** `main`; where there is none `module`, which bundlers know. */
  readonly main: string | undefined
  /** The main file for browsers: `browser` where it is one, else `module`. */
  readonly browserMain: string | undefined
  /** What browsers get in place of a file, both as the package writes them: `browser` where it is a map. */
  readonly browserFiles: ReadonlyMap<string, string>
  /** Whether `.js` files are ES modules. */
  readonly isModule: boolean
  readonly exports: unknown
  readonly imports: unknown
  readonly hasSideEffects: boolean
  /** Names under `dependencies`, `peerDependencies` and `optionalDependencies`. */
  readonly dependencies: ReadonlySet<string>
}

/** A closed set of files: the upload, or one npm package of the host. Paths are relative, with forward slashes, and never leave it. */
export interface PackageTree {
  /** What stands before a path of this tree in the bundle and its source map: '' for the upload, `node_modules/zod@4.6.7/` for a package. */
  readonly prefix: string
  has(path: string): boolean
  /** @throws Error when there is no such file */
  read(path: string): Uint8Array
}

/** A file of a tree. */
export interface SourceLocation {
  readonly tree: PackageTree
  readonly path: string
}

/** The package that a file belongs to: the nearest `package.json` at or above it. */
export interface PackageScope {
  readonly tree: PackageTree
  /** Directory of the `package.json`, '' for the root of the tree. */
  readonly base: string
  readonly manifest: PackageManifest
}

const emptyManifest: PackageManifest = {
  name: undefined,
  version: undefined,
  main: undefined,
  browserMain: undefined,
  browserFiles: new Map(),
  isModule: false,
  exports: undefined,
  imports: undefined,
  hasSideEffects: true,
  dependencies: new Set(),
}

/** What was read of each tree: a tree does not change while it is in use. */
const manifests = new WeakMap<PackageTree, Map<string, PackageManifest>>()

/** Reads a `package.json`; one that is not JSON counts as empty. */
export function readManifest(tree: PackageTree, path: string): PackageManifest {
  const known = manifests.get(tree) ?? new Map<string, PackageManifest>()
  manifests.set(tree, known)
  const manifest = known.get(path) ?? parseManifest(tree, path)
  known.set(path, manifest)
  return manifest
}

function parseManifest(tree: PackageTree, path: string): PackageManifest {
  if (!tree.has(path)) return emptyManifest
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder().decode(tree.read(path)))
  } catch {
    return emptyManifest
  }
  if (typeof parsed !== 'object' || parsed === null) return emptyManifest
  const fields = new Map<string, unknown>(Object.entries(parsed))
  const browser = fields.get('browser')
  const names = ['dependencies', 'peerDependencies', 'optionalDependencies'].flatMap((key) => {
    const group = fields.get(key)
    return typeof group === 'object' && group !== null ? Object.keys(group) : []
  })
  return {
    name: stringOrNothing(fields.get('name')),
    version: stringOrNothing(fields.get('version')),
    main: stringOrNothing(fields.get('main')) ?? stringOrNothing(fields.get('module')),
    browserMain: stringOrNothing(browser) ?? stringOrNothing(fields.get('module')),
    browserFiles: fileMap(browser),
    isModule: fields.get('type') === 'module',
    exports: fields.get('exports'),
    imports: fields.get('imports'),
    hasSideEffects: fields.get('sideEffects') !== false,
    dependencies: new Set(names),
  }
}

/** Finds the package that a file belongs to. */
export function findScope(location: SourceLocation): PackageScope {
  let directory = posix.dirname(location.path)
  for (;;) {
    const base = directory === '.' ? '' : directory
    const path = base === '' ? 'package.json' : `${base}/package.json`
    if (base === '' || location.tree.has(path)) return { tree: location.tree, base, manifest: readManifest(location.tree, path) }
    directory = posix.dirname(directory)
  }
}

/** Joins and normalises a path inside a tree; `undefined` when it would leave the tree. */
export function joinInside(base: string, path: string): string | undefined {
  const joined = posix.normalize(base === '' ? path : `${base}/${path}`)
  if (joined === '..' || joined.startsWith('../') || posix.isAbsolute(joined) || joined.includes('\0')) return undefined
  return joined === '.' ? '' : joined.replace(/\/$/, '')
}

/** Files only: what a map says of other packages and of built-ins leads to none. */
function fileMap(value: unknown): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null) return new Map()
  return new Map(
    Object.entries(value).flatMap(([from, to]: [string, unknown]) =>
      from.startsWith('./') && typeof to === 'string' && to.startsWith('./') ? [[from, to] as const] : [],
    ),
  )
}

function stringOrNothing(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
