import { posix } from 'node:path'
import type { BuildOptions, BuildResult, Message, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild'
import { readCompilerOptions } from './compiler-options.ts'
import { isBundlerAlive, withinMemory } from './bundler-memory.ts'
import { hideComputedImports } from './computed-imports.ts'
import { chooseLoader, isCode } from './loaders.ts'
import { findScope, type PackageTree, type SourceLocation } from './package-tree.ts'
import type { Resolver } from './resolve.ts'
import { createSourceGuard, SourceLimit } from './source-guard.ts'
import { isFirstParty } from './upload-tree.ts'
import { builtinParameter, handOverParameter, metaName, sourceName } from './wrapper.ts'

/** An import that a function may not make. The rules turn it into a diagnostic at its place in the source. */
export interface RefusedImport {
  /** Path of the importing file as the source map names it. */
  readonly file: string
  readonly specifier: string
  readonly isRequire: boolean
  readonly refusal: string
}

/** What bundling found out. `code` is missing when esbuild refused; it and its map are not wrapped yet. */
export interface BundleResult {
  readonly code: string | undefined
  readonly sourceMap: string
  readonly refused: readonly RefusedImport[]
  /** Code and data that was read, by the name of the source map. */
  readonly sources: ReadonlyMap<string, Uint8Array>
  readonly builtins: readonly string[]
  readonly packages: readonly { readonly name: string; readonly version: string }[]
  /** Names of the sources that are really part of the code: what tree shaking removed is not. */
  readonly included: ReadonlySet<string>
  readonly errors: readonly Message[]
}

/** What a bundle is made of. */
export interface BundleInput {
  readonly upload: PackageTree
  readonly entry: string
  readonly resolver: Resolver
}

/** Bundles an upload into one script. Opens nothing but what the resolver gives it. */
export async function bundle(input: BundleInput): Promise<BundleResult> {
  const { build, stop } = await import('esbuild')
  const seen: Collected = { refused: [], sources: new Map(), locations: new Map(), failures: [] }
  const options = buildOptions(input, seen)
  let result: BuildResult<typeof options> | undefined
  let errors: readonly Message[] = []
  try {
    result = await withinMemory(() => build(options))
  } catch (error) {
    // What went wrong inside a hook comes back as a message; the error itself says whether it was a limit.
    if (seen.failures[0] !== undefined) throw seen.failures[0]
    // esbuild starts its process once; only after `stop` does the next build start another.
    if (!isBundlerAlive()) {
      await stop()
      throw error instanceof SourceLimit ? error : new SourceLimit('the bundler cannot read it')
    }
    if (!hasMessages(error)) throw error
    errors = error.errors
  }
  const inputs = Object.entries(result?.metafile.outputs ?? {}).flatMap(([, output]) => Object.entries(output.inputs))
  const included = new Set(inputs.filter(([, part]) => part.bytesInOutput > 0).map(([name]) => sourceName(name)))
  const text = (ending: string) => result?.outputFiles.find((file) => file.path.endsWith(ending))?.text
  const code = text('.js')
  return {
    code,
    sourceMap: text('.map') ?? '{}',
    refused: seen.refused,
    sources: seen.sources,
    builtins: [...included]
      .filter((name) => name.startsWith('node:'))
      .map((name) => name.slice('node:'.length))
      .toSorted(),
    packages: listPackages(included, seen.locations),
    included,
    errors,
  }
}

interface Collected {
  readonly refused: RefusedImport[]
  readonly sources: Map<string, Uint8Array>
  readonly locations: Map<string, SourceLocation>
  readonly failures: Error[]
}

/** esbuild's warnings. The rules say what matters, and each of these would carry a whole line of source with it. */
const remarks = [
  'assert-to-with',
  'assert-type-json',
  'assign-to-constant',
  'assign-to-define',
  'assign-to-import',
  'call-import-namespace',
  'class-name-will-throw',
  'commonjs-variable-in-esm',
  'delete-super-property',
  'direct-eval',
  'duplicate-case',
  'duplicate-class-member',
  'duplicate-object-key',
  'empty-import-meta',
  'equals-nan',
  'equals-negative-zero',
  'equals-new-object',
  'html-comment-in-js',
  'impossible-typeof',
  'indirect-require',
  'private-name-will-throw',
  'semicolon-after-return',
  'suspicious-boolean-not',
  'suspicious-define',
  'suspicious-logical-operator',
  'suspicious-nullish-coalescing',
  'this-is-undefined-in-esm',
  'unsupported-dynamic-import',
  'unsupported-jsx-comment',
  'unsupported-regexp',
  'unsupported-require-call',
  'ambiguous-reexport',
  'different-path-case',
  'empty-glob',
  'ignored-bare-import',
  'ignored-dynamic-import',
  'import-is-undefined',
  'require-resolve-not-external',
  'invalid-source-mappings',
  'sections-in-source-map',
  'missing-source-map',
  'unsupported-source-map-comment',
]

function buildOptions(input: BundleInput, seen: Collected) {
  return {
    entryPoints: ['entry'],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    logOverride: Object.fromEntries(remarks.map((id) => [id, 'silent' as const])),
    sourcemap: 'external',
    // A fixed place that every machine has: no path of this one reaches the bytes. Nothing is read from it or written to it.
    absWorkingDir: posix.sep,
    outfile: '/bundle.js',
    tsconfigRaw: readCompilerOptions(input.upload),
    // A classic script has no `import.meta`, and `import()` inside one needs a loader that the sandbox does not have.
    define: { 'import.meta': metaName, 'process.env.NODE_ENV': '"production"' },
    supported: { 'dynamic-import': false },
    plugins: [confinedFiles(input, seen)],
  } satisfies BuildOptions
}

/** The only way in for files: every import goes through the resolver, every file through its tree. */
function confinedFiles(input: BundleInput, seen: Collected): Plugin {
  const { locations } = seen
  const guard = createSourceGuard()

  function resolve(args: OnResolveArgs): OnResolveResult {
    if (args.kind === 'entry-point') return { path: 'entry', namespace: 'cordon' }
    if (args.namespace === 'cordon') return remember({ tree: input.upload, path: input.entry }, true)
    const importer = locations.get(args.importer)
    if (importer === undefined) return { errors: [{ text: `Cannot resolve "${args.path}": its importer is unknown` }] }
    // `require.resolve` gives a path, and a bundled function has none.
    if (args.kind === 'require-resolve') return { path: args.path, external: true }
    const isRequire = args.kind === 'require-call'
    const found = input.resolver.resolve(args.path, importer, isRequire)
    const refusal = found.kind === 'file' ? undefined : found.refusal
    if (refusal !== undefined) seen.refused.push({ file: args.importer, specifier: args.path, isRequire, refusal })
    if (found.kind === 'file') return remember(found.location, found.hasSideEffects)
    if (found.kind === 'builtin') return { path: found.name, namespace: 'builtin', sideEffects: false }
    return { path: args.path, namespace: 'missing' }
  }

  function remember(location: SourceLocation, hasSideEffects: boolean): OnResolveResult {
    const path = location.tree.prefix + location.path
    locations.set(path, location)
    return { path, namespace: 'upload', sideEffects: hasSideEffects }
  }

  function load(path: string, type: string | undefined): OnLoadResult {
    const location = locations.get(path)
    if (location === undefined) return { errors: [{ text: `Cannot read "${path}": it is not part of the upload` }] }
    const loader = chooseLoader(location.path, type)
    if (loader === undefined)
      return {
        errors: [{ text: `Cannot import "${path}": this kind of file cannot be imported. Add "with { type: 'text' }" or "with { type: 'bytes' }".` }],
      }
    const contents = location.tree.read(location.path)
    seen.sources.set(path, contents)
    if (!isCode(location.path) && loader !== 'json') return { contents, loader }
    const text = new TextDecoder().decode(contents)
    try {
      // Packages that the host allows are the host's own choice, and large.
      if (location.tree === input.upload) guard[loader === 'json' ? 'checkJson' : 'checkCode'](location.path, text)
      return { contents: isCode(location.path) ? hideComputedImports(text, location.path) : text, loader }
    } catch (error) {
      seen.failures.push(error instanceof Error ? error : new Error(String(error)))
      return { errors: [{ text: 'The source is too complex' }] }
    }
  }

  return {
    name: 'confined-files',
    setup(build) {
      build.onResolve({ filter: /.*/ }, resolve)
      // Nothing resolves to the host's disk; should esbuild find a way of its own, this is where it ends.
      build.onLoad({ filter: /.*/, namespace: 'file' }, () => ({ errors: [{ text: 'Cannot read a file outside the upload' }] }))
      build.onLoad({ filter: /.*/, namespace: 'cordon' }, () => ({
        contents: `import * as namespace from 'entry'\n${handOverParameter}(namespace)`,
        loader: 'js',
      }))
      build.onLoad({ filter: /.*/, namespace: 'upload' }, (args) => load(args.path, args.with['type']))
      build.onLoad({ filter: /.*/, namespace: 'builtin' }, (args) => ({
        contents: `module.exports = ${builtinParameter}(${JSON.stringify(args.path)})`,
        loader: 'js',
      }))
      // Only reached when the rule about imports is a warning: then the import fails when it runs, as it would in Node.
      build.onLoad({ filter: /.*/, namespace: 'missing' }, (args) => ({
        contents: `module.exports = undefined; throw Object.assign(new Error(${JSON.stringify(`Cannot find module '${args.path}'`)}), { code: 'MODULE_NOT_FOUND' })`,
        loader: 'js',
      }))
    },
  }
}

function listPackages(included: ReadonlySet<string>, locations: ReadonlyMap<string, SourceLocation>): { name: string; version: string }[] {
  const found = new Map<string, { name: string; version: string }>()
  for (const source of included) {
    const location = locations.get(source)
    if (location === undefined || (location.tree.prefix === '' && isFirstParty(location.path))) continue
    const manifest = namedManifest(location)
    if (manifest.name === undefined) continue
    found.set(`${manifest.name}@${manifest.version ?? ''}`, { name: manifest.name, version: manifest.version ?? '' })
  }
  return [...found.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

/** Packages put nameless `package.json` files with only a `type` into their folders: the package is the nearest one with a name. */
function namedManifest(location: SourceLocation) {
  let scope = findScope(location)
  while (scope.manifest.name === undefined && scope.base !== '') {
    scope = findScope({ tree: location.tree, path: scope.base })
  }
  return scope.manifest
}

function hasMessages(error: unknown): error is { errors: Message[] } {
  return typeof error === 'object' && error !== null && 'errors' in error && Array.isArray(error.errors)
}
