import type { AnalyzerOptions } from '@cordon/contracts'
import type { HostPackages } from '../bundle/host-packages.ts'
import type { PackageTree } from '../bundle/package-tree.ts'
import { findTypeErrors } from '../schema/type-errors.ts'
import { createTypeFiles } from '../schema/type-files.ts'
import { createTypeProgram, type TypeProgram } from '../schema/type-program.ts'
import type { ParsedSources } from '../source/source-text.ts'
import type { Reporter } from './reporter.ts'

/** Creates the program that knows types when it is first asked for. */
export function createProgramOpener(
  entry: string,
  { upload, packages, parsed }: { upload: PackageTree; packages: HostPackages; parsed: ParsedSources },
) {
  let program: { readonly opened: TypeProgram | undefined } | undefined
  return () => {
    program ??= {
      opened: createTypeProgram(entry, createTypeFiles({ upload, packages, parsed: new Map(parsed.files.map((file) => [file.path, file.ast])) })),
    }
    return program.opened
  }
}

/** TypeScript's own errors, in files that it would check. That a type is not declared is told once: types without a schema are known by then. */
export function checkTypes(around: {
  parsed: ParsedSources
  openProgram: () => TypeProgram | undefined
  reporter: Reporter
  undescribed: ReadonlySet<string>
  options: AnalyzerOptions
}): void {
  const files = around.parsed.files.filter(({ path, text }) => /\.[cm]?tsx?$/.test(path) || /^\s*\/\/\s*@ts-check/m.test(text))
  if (files.length === 0 || around.options.rules['types'] === 'off') return
  const told = around.options.rules['schema-types'] === 'off' ? new Set<string>() : around.undescribed
  const program = around.openProgram()
  for (const error of program === undefined ? [] : findTypeErrors(program, files, told)) around.reporter.add(error)
}
