import { posix } from 'node:path'
import { resolveExports, resolveImports, type PathConditions, type PathConditionsMap } from 'resolve-pkg-maps'
import { builtinName, pureBuiltins } from './builtins.ts'
import { findFile, findMain } from './file-lookup.ts'
import type { HostPackages } from './host-packages.ts'
import { findScope, joinInside, readManifest, type PackageScope, type PackageTree, type SourceLocation } from './package-tree.ts'
import { remedyFor } from './remedies.ts'
import { isFirstParty } from './upload-tree.ts'

/** What an import leads to. */
export type Resolution =
  | { readonly kind: 'file'; readonly location: SourceLocation; readonly hasSideEffects: boolean }
  /** A Node built-in, without `node:`. `refusal` says why a function may not use it. */
  | { readonly kind: 'builtin'; readonly name: string; readonly refusal: string | undefined }
  | { readonly kind: 'refused'; readonly refusal: string }

/** Resolves the imports of one upload: its own files, allowed packages, Node built-ins, and nothing else. */
export interface Resolver {
  /** `isRequire` chooses the conditions of `exports` maps. */
  resolve(specifier: string, importer: SourceLocation, isRequire: boolean): Resolution
}

/**
 * Which build of a package is meant: the one for Node, the one for runtimes with `fetch` and without Node's own modules (the condition `worker`, which Workers, Deno and
 * bundlers understand), or, of packages that know no workers, the one for browsers (the condition and the field `browser`).
 */
export type PackageFlavour = 'node' | 'worker' | 'browser'

/** Conditions of `exports` maps by flavour. */
const flavourConditions: Readonly<Record<PackageFlavour, readonly string[]>> = {
  node: ['node'],
  worker: ['worker'],
  browser: ['worker', 'browser'],
}

/** What of a package is imported, and which build of it. */
interface Wanted {
  readonly subpath: string
  readonly conditions: readonly string[]
  readonly flavour: PackageFlavour
}

/** Creates the resolver of an upload. */
export function createResolver(upload: PackageTree, packages: HostPackages, flavour: PackageFlavour): Resolver {
  function resolve(specifier: string, importer: SourceLocation, isRequire: boolean): Resolution {
    const conditions = [isRequire ? 'require' : 'import', ...flavourConditions[flavour], 'default']
    if (/^\.\.?(?:\/|$)/.test(specifier)) return resolveRelative(specifier, importer)
    const builtin = builtinName(specifier)
    if (builtin !== undefined) return { kind: 'builtin', name: builtin, refusal: pureBuiltins.has(builtin) ? undefined : refuseBuiltin(builtin) }
    if (specifier.startsWith('#')) return resolveOwnImport(specifier, importer, conditions, isRequire)
    if (posix.isAbsolute(specifier) || /^[a-z][a-z0-9+.-]*:/i.test(specifier) || specifier.includes('\\') || specifier.includes('\0')) {
      return {
        kind: 'refused',
        refusal: `Cannot import "${specifier}": only files of the upload and packages can be imported. Write a path that starts with "./".`,
      }
    }
    return resolvePackage(specifier, importer, conditions)
  }

  function resolveRelative(specifier: string, importer: SourceLocation): Resolution {
    const path = joinInside(posix.dirname(importer.path), specifier)
    const where = importer.tree === upload ? 'the upload' : 'its package'
    if (path === undefined) return { kind: 'refused', refusal: `Cannot import "${specifier}": it lies outside ${where}. Put the file into ${where}.` }
    const found = findFile(importer.tree, path)
    if (found !== undefined) return file(importer.tree, found, flavour)
    return { kind: 'refused', refusal: `Cannot import "${specifier}": ${where} has no such file. Add it, or correct the path.` }
  }

  function resolveOwnImport(specifier: string, importer: SourceLocation, conditions: string[], isRequire: boolean): Resolution {
    const scope = findScope(importer)
    const none: Resolution = { kind: 'refused', refusal: `Cannot import "${specifier}": "imports" of package.json has no such entry. Add one.` }
    const imports = scope.manifest.imports
    if (!isConditionsMap(imports)) return none
    const targets = attempt(() => resolveImports(imports, specifier, conditions))
    for (const target of targets) {
      if (!target.startsWith('./')) return target.startsWith('#') ? none : resolve(target, importer, isRequire)
      const path = joinInside(scope.base, target)
      if (path !== undefined && scope.tree.has(path)) return file(scope.tree, path, flavour)
    }
    return none
  }

  function resolvePackage(specifier: string, importer: SourceLocation, conditions: string[]): Resolution {
    const [name, subpath] = splitSpecifier(specifier)
    const own = findScope(importer)
    if (own.manifest.name === name && own.manifest.exports !== undefined) return fromScope(own, specifier, { subpath, conditions, flavour })
    const inUpload = importer.tree === upload ? findInUpload(importer.path, name) : undefined
    if (inUpload !== undefined) return fromScope(inUpload, specifier, { subpath, conditions, flavour })
    const host = importer.tree === upload ? packages.findAllowed(name) : packages.findDependency(importer.tree, name)
    if (host !== undefined) return fromScope({ tree: host.tree, base: '', manifest: host.manifest }, specifier, { subpath, conditions, flavour })
    return { kind: 'refused', refusal: refusePackage(name, importer, upload) }
  }

  function findInUpload(importer: string, name: string): PackageScope | undefined {
    for (let directory = posix.dirname(importer); ; directory = posix.dirname(directory)) {
      const base = `${directory === '.' ? '' : `${directory}/`}node_modules/${name}`
      const path = `${base}/package.json`
      if (upload.has(path)) return { tree: upload, base, manifest: readManifest(upload, path) }
      if (findMain(upload, base) !== undefined) return { tree: upload, base, manifest: readManifest(upload, path) }
      if (directory === '.') return undefined
    }
  }

  return { resolve }
}

/** Finds a file of a package, through its `exports` when it has some. */
function fromScope(scope: PackageScope, specifier: string, { subpath, conditions, flavour }: Wanted): Resolution {
  if (scope.manifest.exports === undefined || scope.manifest.exports === null) {
    const path = joinInside(scope.base, subpath)
    const found = path === undefined ? undefined : subpath === '' ? findMainFor(flavour, scope) : findFile(scope.tree, path)
    if (found !== undefined && isInside(found, scope.base)) return file(scope.tree, found, flavour, scope)
    return { kind: 'refused', refusal: `Cannot import "${specifier}": the package has no such file. Import a file that it has.` }
  }
  const exports = scope.manifest.exports
  const targets = isConditions(exports) ? attempt(() => resolveExports(exports, subpath, [...conditions])) : []
  for (const target of targets) {
    const path = joinInside(scope.base, target)
    if (path !== undefined && isInside(path, scope.base) && scope.tree.has(path)) return file(scope.tree, path, flavour, scope)
  }
  return {
    kind: 'refused',
    refusal: `Cannot import "${specifier}": "exports" of the package leads to no such file. Import a path that the package exports.`,
  }
}

function findMainFor(flavour: PackageFlavour, { tree, base, manifest }: PackageScope): string | undefined {
  const path = manifest.browserMain === undefined ? undefined : joinInside(base, manifest.browserMain)
  const forBrowsers = flavour === 'browser' && path !== undefined ? findFile(tree, path) : undefined
  return forBrowsers ?? findMain(tree, base)
}

function file(tree: PackageTree, path: string, flavour: PackageFlavour, scope: PackageScope = findScope({ tree, path })): Resolution {
  const isOwn = tree.prefix === '' && isFirstParty(path)
  const used = (flavour === 'browser' && !isOwn ? forBrowsers(scope, path) : undefined) ?? path
  return { kind: 'file', location: { tree, path: used }, hasSideEffects: isOwn || scope.manifest.hasSideEffects }
}

/** The file that browsers get in place of another; its package may leave out extensions. */
function forBrowsers({ tree, base, manifest }: PackageScope, path: string): string | undefined {
  const inside = `./${base === '' ? path : path.slice(base.length + 1)}`
  const target = manifest.browserFiles.get(inside) ?? manifest.browserFiles.get(inside.replace(/\.[cm]?js$/, ''))
  const found = target === undefined ? undefined : joinInside(base, target)
  const existing = found === undefined ? undefined : findFile(tree, found)
  return existing !== undefined && isInside(existing, base) ? existing : undefined
}

function isInside(path: string, base: string): boolean {
  return base === '' || path.startsWith(`${base}/`)
}

function splitSpecifier(specifier: string): [name: string, subpath: string] {
  const parts = specifier.split('/')
  const length = specifier.startsWith('@') ? 2 : 1
  return [parts.slice(0, length).join('/'), parts.slice(length).join('/')]
}

function refuseBuiltin(name: string): string {
  const remedy = remedyFor(name)
  return `Cannot import "node:${name}": functions may not use it. ${remedy === undefined ? 'Leave it out.' : `Instead: ${remedy}.`}`
}

function refusePackage(name: string, importer: SourceLocation, upload: PackageTree): string {
  if (importer.tree !== upload)
    return `Cannot import "${name}": the package ${importer.tree.prefix.slice('node_modules/'.length, -1)} needs it and it is not installed.`
  const remedy = remedyFor(name)
  if (remedy !== undefined) return `Cannot import "${name}": functions may not use it. Instead: ${remedy}.`
  return `Cannot import "${name}": the upload has no such package and the host does not allow it. Put it into node_modules of the upload, or add it to the option packages.allow.`
}

/** Deepest nesting of an `exports` map that is followed; real ones have three or four levels. */
const maxConditionDepth = 20

function isConditions(value: unknown, depth = 0): value is PathConditions {
  if (typeof value === 'string') return true
  if (depth > maxConditionDepth || typeof value !== 'object' || value === null) return false
  return Object.values(value).every((one) => one === null || isConditions(one, depth + 1))
}

function isConditionsMap(value: unknown): value is PathConditionsMap {
  return isConditions(value) && typeof value === 'object' && !Array.isArray(value)
}

function attempt(resolve: () => string[]): string[] {
  try {
    return resolve()
  } catch {
    return []
  }
}
