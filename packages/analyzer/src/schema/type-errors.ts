import { ts } from '@ts-morph/common'
import type { Finding } from '../child/reporter.ts'
import type { SourceText } from '../source/source-text.ts'
import type { TypeProgram } from './type-program.ts'

/**
 * No further file is checked after that many milliseconds. Two thousand lines take about a tenth of it; types that take more are a
 * puzzle, and whoever wrote them has a compiler too.
 */
const maxCheckMs = 1500
/** Most errors that are told of one upload. */
const maxErrors = 50
/** Longest message in characters. */
const maxMessage = 400

/** Errors about what is not there, which the bundler reports, or about what only the types of Node's own modules would say. */
const notOurs = new Set([
  2306, // is not a module
  2307, // cannot find module
  2580, // cannot find name, types for Node are missing
  2591, // the same, in other words
  2709, // a type of a module that is `any`
  2688, // cannot find type definition file
  2792, // cannot find module, another resolution is meant
  2882, // cannot find module of an import for side effects
])
/** Codes that say that a name is not declared. */
const isUndeclared = (code: number) => code === 2304 || code === 2552
/** Codes that say that something is `any` without saying so. Many projects are not strict, and `any` is an answer. */
const isImplicitAny = (code: number) => code >= 7000 && code < 7100

/**
 * What TypeScript says about the files of an upload: the code runs nevertheless, so these are warnings unless the host wants more. That one of
 * the types in `told` is not declared was said before.
 */
export function findTypeErrors(program: TypeProgram, files: readonly SourceText[], told: ReadonlySet<string>): Finding[] {
  const until = performance.now() + maxCheckMs
  const found: Finding[] = []
  for (const file of files) {
    if (performance.now() > until) break
    try {
      for (const one of program.check(file.ast)) {
        if (one.category !== ts.DiagnosticCategory.Error || notOurs.has(one.code) || isImplicitAny(one.code) || one.start === undefined) continue
        if (isUndeclared(one.code) && told.has(file.text.slice(one.start, one.start + (one.length ?? 0)))) continue
        if (found.length < maxErrors) found.push(findingOf(file, one, one.start))
      }
    } catch (error) {
      // An expression that is nested deeper than the checker can follow; what was found counts.
      if (!(error instanceof RangeError)) throw error
      break
    }
  }
  return found
}

function findingOf({ path, text }: SourceText, { code, messageText, length }: ts.Diagnostic, start: number): Finding {
  const said = ts.flattenDiagnosticMessageText(messageText, ' ').replaceAll(/\s+/g, ' ').replace(/\.$/, '')
  const shown = said.length > maxMessage ? `${said.slice(0, maxMessage)}…` : said
  const message = `${shown} (TS${code}). Correct it; the code runs as it is written, whatever its types say.`
  return { rule: 'types', severity: 'warn', message, file: path, text, place: { start, length: length ?? 1 } }
}
