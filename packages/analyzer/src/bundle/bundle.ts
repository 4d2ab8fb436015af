import { posix } from 'node:path'
import { build, stop, type BuildOptions, type BuildResult, type Message, type Metafile } from 'esbuild'
import { isBundlerAlive, withinMemory } from './bundler-memory.ts'
import { keepClassNames } from './class-names.ts'
import { readCompilerOptions } from './compiler-options.ts'
import { confinedFiles, type Collected } from './confined-files.ts'
import { createImportGraph, type ImportGraph } from './import-graph.ts'
import { findScope, type PackageTree, type SourceLocation } from './package-tree.ts'
import { silentRemarks } from './remarks.ts'
import type { Resolver } from './resolve.ts'
import type { SourceParser } from '../source/source-parser.ts'
import { SourceLimit } from './source-guard.ts'
import { isFirstParty } from './upload-tree.ts'
import { metaName, sourceName } from './wrapper.ts'

/** An import that a function may not make. The rules turn it into a diagnostic at its place in the source. */
export interface RefusedImport {
  /** Path of the importing file as the source map names it. */
  readonly file: string
  readonly specifier: string
  readonly isRequire: boolean
  readonly refusal: string
}

/**
 * Largest bundle in bytes. Every sandbox of the version holds it, and V8 about as much again once it has run; the smallest
 * sandbox has 64 MiB.
 */
const maxBundleBytes = 20_000_000

/** What bundling found out. `code` is missing when esbuild refused; it and its map are not wrapped yet. */
export interface BundleResult {
  readonly code: string | undefined
  readonly sourceMap: string
  readonly refused: readonly RefusedImport[]
  /** Code and data that was read, by the name of the source map. */
  readonly sources: ReadonlyMap<string, Uint8Array>
  /** Names of the sources that were read as code. */
  readonly codeFiles: ReadonlySet<string>
  /** Which file imports which, from the entry file on. */
  readonly graph: ImportGraph
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
  readonly parser: SourceParser
}

/** Bundles an upload into one script. Opens nothing but what the resolver gives it. */
export async function bundle(input: BundleInput): Promise<BundleResult> {
  const seen: Collected = {
    refused: [],
    sources: new Map(),
    code: new Set(),
    locations: new Map(),
    graph: createImportGraph(input.entry),
    failures: [],
    isOutside: false,
  }
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
  if (seen.isOutside || errors.some(isSearch) || hasPattern(result?.metafile)) {
    // The same words whether it found something or not: what is on this machine is nobody's business.
    errors = [{ ...emptyMessage, text: 'an import has a computed path. Write the path as a string' }]
    result = undefined
  }
  const inputs = Object.entries(result?.metafile.outputs ?? {}).flatMap(([, output]) => Object.entries(output.inputs))
  const included = new Set(inputs.filter(([, part]) => part.bytesInOutput > 0).map(([name]) => sourceName(name)))
  const bytes = result?.outputFiles.find((file) => file.path.endsWith('.js'))?.contents.byteLength ?? 0
  if (bytes > maxBundleBytes)
    throw new SourceLimit(
      `its bundle, packages included, holds ${bytes} bytes, and ${maxBundleBytes} are allowed; leave out what the function does not need`,
    )
  const text = (ending: string) => result?.outputFiles.find((file) => file.path.endsWith(ending))?.text
  const code = text('.js')
  const sourceMap = text('.map') ?? '{}'
  return {
    code: code === undefined ? undefined : keepClassNames(code, sourceMap),
    sourceMap,
    refused: seen.refused,
    sources: seen.sources,
    codeFiles: seen.code,
    graph: seen.graph,
    builtins: [...included]
      .filter((name) => name.startsWith('node:'))
      .map((name) => name.slice('node:'.length))
      .toSorted(),
    packages: listPackages(included, seen.locations),
    included,
    errors,
  }
}

const emptyMessage = { id: '', pluginName: '', text: '', location: null, notes: [], detail: undefined } satisfies Message

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
    logOverride: silentRemarks,
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

/**
 * Whether an import made esbuild search the disk: it takes `import('./' + name)` for a pattern. `hideComputedImports` keeps
 * those away from it; the two parsers may read odd code differently, and this is what finds that.
 */
function isSearch(error: Message): boolean {
  return /^Could not resolve (?:import|require)\(/.test(error.text)
}

function hasPattern(metafile: Metafile | undefined): boolean {
  const imports = Object.values(metafile?.inputs ?? {}).flatMap((one) => one.imports)
  // A statement is no pattern: that of a name which is only used as a type is left where it is, unresolved, and runs nothing.
  return imports.some((one) => one.external === true && (one.kind === 'dynamic-import' || one.kind === 'require-call') && /^\.\.?\//.test(one.path))
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
