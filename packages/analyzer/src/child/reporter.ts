import type { AnalyzerOptions, Diagnostic } from '@cordon/contracts'
import { codeFrame, placeAt } from '../source/code-frame.ts'

/** Most findings that one analysis reports; after that, more of the same helps nobody and only makes the answer large. */
const maxDiagnostics = 200

/** A finding before its severity is decided. */
export interface Finding {
  readonly rule: string
  /** The severity of the rule itself. `fixed` is an error that no option turns into a warning. */
  readonly severity: 'error' | 'warn' | 'fixed'
  readonly message: string
  readonly file: string
  readonly text: string
  /** Where; missing when the finding is about the whole upload. */
  readonly place?: { readonly start: number; readonly length: number } | undefined
}

/** Collects findings as diagnostics, with the severities that the host chose. */
export interface Reporter {
  add(finding: Finding): void
  list(): readonly Diagnostic[]
  hasErrors(): boolean
}

/** Creates the reporter of one analysis. */
export function createReporter(options: AnalyzerOptions): Reporter {
  const found: Diagnostic[] = []
  const known = new Set<string>()
  let errors = 0

  function severityOf(finding: Finding): 'error' | 'warn' | 'off' {
    if (finding.severity === 'fixed') return 'error'
    const chosen = (Object.hasOwn(options.rules, finding.rule) ? options.rules[finding.rule] : undefined) ?? finding.severity
    return chosen === 'error' && !options.enforce ? 'warn' : chosen
  }

  return {
    add(finding) {
      const severity = severityOf(finding)
      if (severity === 'off') return
      const key = `${finding.rule}\0${finding.file}\0${finding.place?.start ?? -1}`
      if (known.has(key)) return
      known.add(key)
      if (severity === 'error') errors++
      // An error always finds room: a flood of warnings must not hide why a deployment was refused.
      if (found.length >= maxDiagnostics && (severity === 'warn' || errors > maxDiagnostics)) return
      const place = finding.place === undefined ? { line: 0, column: 0 } : placeAt(finding.text, finding.place.start)
      const frame = finding.place === undefined ? '' : codeFrame(finding.text, place, finding.place.length)
      found.push({ rule: finding.rule, severity, message: finding.message, file: finding.file, ...place, frame })
    },
    list: () => found.toSorted((a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column),
    hasErrors: () => errors > 0,
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
