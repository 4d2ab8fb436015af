import type { OnLoadResult, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild'
import type { BundleInput, RefusedImport } from './bundle.ts'
import { hideComputedImports } from './computed-imports.ts'
import type { ImportGraph } from './import-graph.ts'
import { hideInputMaps } from './input-maps.ts'
import { chooseLoader, isCodeLoader, refuseFile } from './loaders.ts'
import { findScope, type SourceLocation } from './package-tree.ts'
import { createSourceGuard } from './source-guard.ts'
import { builtinParameter, handOverParameter, nodeMark, sourceName } from './wrapper.ts'

/** What the bundler came across. Files have the names of the source map. */
export interface Collected {
  readonly refused: RefusedImport[]
  readonly sources: Map<string, Uint8Array>
  /** Those sources that were read as code. */
  readonly code: Set<string>
  readonly locations: Map<string, SourceLocation>
  readonly graph: ImportGraph
  readonly failures: Error[]
  /** Whether esbuild found a file of this machine. */
  isOutside: boolean
}

/** The only way in for files: every import goes through the resolver, every file through its tree. */
export function confinedFiles(input: BundleInput, seen: Collected): Plugin {
  const { locations } = seen
  const guard = createSourceGuard()

  function resolve(args: OnResolveArgs): OnResolveResult {
    if (args.kind === 'entry-point') return { path: 'entry', namespace: 'cordon' }
    if (args.namespace === 'cordon') return remember({ tree: input.upload, path: input.entry }, true)
    const file = sourceName(args.importer)
    const importer = locations.get(file)
    if (importer === undefined) return { errors: [{ text: `Cannot resolve "${args.path}": its importer is unknown` }] }
    // `require.resolve` gives a path, and a bundled function has none.
    if (args.kind === 'require-resolve') return { path: args.path, external: true }
    const isRequire = args.kind === 'require-call'
    const found = input.resolver.resolve(args.path, importer, isRequire)
    const type = args.with['type']
    const isReadable = found.kind !== 'file' || chooseLoader(found.location.path, type) !== undefined
    const refusal = found.kind !== 'file' ? found.refusal : isReadable ? undefined : refuseFile(args.path, found.location.path, type)
    if (refusal !== undefined) seen.refused.push({ file, specifier: args.path, isRequire, refusal })
    if (found.kind === 'builtin') return { path: found.name, namespace: 'builtin', sideEffects: false }
    if (found.kind === 'refused' || !isReadable) return { path: args.path, namespace: 'missing' }
    const { tree, path } = found.location
    seen.graph.add(file, args.path, tree.prefix + path)
    return remember(found.location, found.hasSideEffects)
  }

  function remember(location: SourceLocation, hasSideEffects: boolean): OnResolveResult {
    const path = location.tree.prefix + location.path
    locations.set(path, location)
    return { path: isNodeModule(location) ? path + nodeMark : path, namespace: 'upload', sideEffects: hasSideEffects }
  }

  function load(file: string, type: string | undefined): OnLoadResult {
    const path = sourceName(file)
    const location = locations.get(path)
    const loader = location === undefined ? undefined : chooseLoader(location.path, type)
    if (location === undefined || loader === undefined) return { errors: [{ text: `Cannot read "${path}": it is not part of the upload` }] }
    const contents = location.tree.read(location.path)
    seen.sources.set(path, contents)
    const isCode = isCodeLoader(loader)
    if (isCode) seen.code.add(path)
    else if (loader !== 'json') return { contents, loader }
    const text = new TextDecoder().decode(contents)
    try {
      // Packages that the host allows are the host's own choice, and large.
      const isUploaded = location.tree === input.upload
      if (!isCode) {
        if (isUploaded) guard.checkJson(location.path, text)
        return { contents: text, loader }
      }
      // esbuild's stack grows to a gigabyte before it gives up; this parser's ends after some thousand levels.
      if (isUploaded) guard.checkCode(location.path, input.parser.parse(location.path, text))
      return { contents: hideInputMaps(hideComputedImports(text, () => input.parser.parse(path, text))), loader }
    } catch (error) {
      seen.failures.push(error instanceof Error ? error : new Error(String(error)))
      return { errors: [{ text: 'The source is too complex' }] }
    }
  }

  function refuseOutside(): OnLoadResult {
    seen.isOutside = true
    return { errors: [{ text: 'Cannot read a file outside the upload' }] }
  }

  return {
    name: 'confined-files',
    setup(build) {
      build.onResolve({ filter: /.*/ }, resolve)
      // Nothing resolves to the host's disk; should esbuild find a way of its own, this is where it ends.
      build.onLoad({ filter: /.*/, namespace: 'file' }, refuseOutside)
      build.onLoad({ filter: /.*/, namespace: 'cordon' }, () => ({
        contents: `import * as namespace from 'entry'\n${handOverParameter}(namespace)`,
        loader: 'js',
      }))
      build.onLoad({ filter: /.*/, namespace: 'upload' }, (args) => load(args.path, args.with['type']))
      build.onLoad({ filter: /.*/, namespace: 'builtin' }, (args) => ({
        contents: `module.exports = ${builtinParameter}(${JSON.stringify(args.path)})`,
        loader: 'js',
      }))
      // Reached when the import may never run, or the rule about imports is a warning: then it fails when it runs, as it would in Node.
      build.onLoad({ filter: /.*/, namespace: 'missing' }, (args) => ({
        contents: `module.exports = undefined; throw Object.assign(new Error(${JSON.stringify(`Cannot find module '${args.path}'`)}), { code: 'MODULE_NOT_FOUND' })`,
        loader: 'js',
      }))
    },
  }
}

/** Whether Node takes a file for an ES module because of the `package.json` beside it: what it imports of CommonJS as `default` depends on that. */
function isNodeModule(location: SourceLocation): boolean {
  return /\.[jt]sx?$/.test(location.path) && !location.path.endsWith('.d.ts') && findScope(location).manifest.isModule
}
