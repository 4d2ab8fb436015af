import type { Location } from 'esbuild'
import { ts } from '@ts-morph/common'
import type { BundleResult } from '../bundle/bundle.ts'
import { nodeMark, sourceName } from '../bundle/wrapper.ts'
import { judgePackages } from '../rules/package-imports.ts'
import type { ParsedSources, SourceText } from '../source/source-text.ts'
import type { Reporter } from './reporter.ts'

/** Reports packages that need more than a function has, where the user imports them. */
export function reportPackages(bundled: BundleResult, parsed: ParsedSources, reporter: Reporter): void {
  for (const { specifier, ...finding } of judgePackages(bundled)) {
    const source = parsed.files.find((one) => one.path === finding.file)
    const literal = source === undefined ? undefined : findImport(source, specifier)
    const place =
      source === undefined || literal === undefined ? undefined : { start: literal.getStart(source.ast), length: literal.getWidth(source.ast) }
    reporter.add({ ...finding, text: source?.text ?? '', place: place ?? { start: 0, length: 1 } })
  }
}

function findImport(source: SourceText, specifier: string): ts.Node | undefined {
  const literals = source.nodesOf(ts.SyntaxKind.StringLiteral, ts.SyntaxKind.NoSubstitutionTemplateLiteral)
  return literals.find((one) => ts.isStringLiteralLike(one) && one.text === specifier && !ts.isPropertyAssignment(one.parent))
}

/** Reports what esbuild refuses: imports of names that do not exist, files it cannot read, syntax in packages. */
export function reportBundleErrors(
  bundled: BundleResult,
  { hasSyntaxErrors, parsed, reporter }: { readonly hasSyntaxErrors: boolean; readonly parsed: ParsedSources; readonly reporter: Reporter },
): void {
  for (const { text: said, location } of bundled.errors) {
    const file = location === null ? '' : sourceName(location.file)
    // The same syntax error was already reported in TypeScript's words.
    if (hasSyntaxErrors && parsed.files.some((one) => one.path === file)) continue
    const source = bundled.sources.get(file)
    const text = source === undefined ? '' : new TextDecoder().decode(source)
    const place = source === undefined || location === null ? undefined : { start: offsetOf(text, location), length: location.length }
    const message = `Cannot bundle: ${said.replaceAll('upload:', '').replaceAll(nodeMark, '').replace(/[.]?$/, '.')}`
    reporter.add({ rule: 'bundle', severity: 'fixed', message, file, text, place })
  }
}

/** esbuild counts columns in bytes. */
function offsetOf(text: string, location: Location): number {
  let start = 0
  for (let line = 1; line < location.line; line++) start = text.indexOf('\n', start) + 1
  return start + Buffer.from(location.lineText).subarray(0, location.column).toString().length
}
