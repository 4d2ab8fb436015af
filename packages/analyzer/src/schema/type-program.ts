import { ts } from '@ts-morph/common'
import { createProgramHost } from '../source/program-host.ts'
import { getLibrary } from './library.ts'
import type { TypeFiles } from './type-files.ts'

const options: ts.CompilerOptions = {
  allowJs: true,
  // The libraries are files of the program.
  noLib: true,
  strict: true,
  // Functions are short, and many come from projects that are not strict.
  useUnknownInCatchVariables: false,
  skipLibCheck: true,
  types: [],
  jsx: ts.JsxEmit.Preserve,
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  experimentalDecorators: true,
  noEmit: true,
}

/** A program that knows types. Only what is asked about is worked out. */
export interface TypeProgram {
  readonly checker: ts.TypeChecker
  readonly entry: ts.SourceFile
  /** What TypeScript says about a file. */
  check(file: ts.SourceFile): readonly ts.Diagnostic[]
}

/** Creates the program of an entry file; `undefined` when there is no such file. */
export function createTypeProgram(entryPath: string, files: TypeFiles): TypeProgram | undefined {
  const library = getLibrary()
  const entryName = `/${entryPath}`
  const resolutionHost: ts.ModuleResolutionHost = { fileExists: files.has, readFile: files.readText }
  const cache = ts.createModuleResolutionCache('/', (name) => name, options)
  const host: ts.CompilerHost = {
    ...createProgramHost((name) => library.find(name) ?? files.parse(name)),
    fileExists: (name) => library.find(name) !== undefined || files.has(name),
    readFile: files.readText,
    resolveModuleNameLiterals: (literals, importer) => literals.map(({ text }) => resolve(text, importer)),
  }

  function resolve(specifier: string, importer: string): ts.ResolvedModuleWithFailedLookupLocations {
    const own = library.resolve(specifier)
    if (own !== undefined) return { resolvedModule: { resolvedFileName: own, extension: ts.Extension.Dts } }
    if (library.find(importer) === undefined) return ts.resolveModuleName(specifier, importer, options, resolutionHost, cache)
    const fileName = new URL(specifier, `file://${importer}`).pathname.replace(/\.ts$/, '.d.ts')
    const isFound = library.find(fileName) !== undefined
    return { resolvedModule: isFound ? { resolvedFileName: fileName, extension: ts.Extension.Dts } : undefined }
  }

  const program = ts.createProgram({ rootNames: [...library.rootNames, entryName], options, host })
  const entry = program.getSourceFile(entryName)
  if (entry === undefined) return undefined
  return { checker: program.getTypeChecker(), entry, check: (file) => program.getSemanticDiagnostics(file) }
}
