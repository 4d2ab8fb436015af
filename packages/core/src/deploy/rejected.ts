import { PlatformError, type CapabilityChange, type Diagnostic } from '@cordon/contracts'
import { printable } from './printable.ts'

/** Rules that unpacking itself checks; the analyzer's own rules are in the analyzer. */
export type UploadRule = 'upload-archive' | 'upload-path' | 'upload-link' | 'upload-limit' | 'upload-duplicate'

/** Refuses an upload before its code is looked at. `file` is the entry as the upload spells it, `''` for the whole upload. */
export function refuseUpload(rule: UploadRule, file: string, message: string): PlatformError {
  const shown = printable(file)
  const diagnostic: Diagnostic = { rule, severity: 'error', message, file: shown, line: 0, column: 0, frame: '' }
  const what = shown === '' ? 'the upload' : `the upload entry "${shown}"`
  return new PlatformError('DEPLOYMENT_REJECTED', `Cannot unpack ${what}: ${message}`, { details: { diagnostics: [diagnostic] } })
}

/**
 * Refuses code that the analyzer found errors in; the first one is in the message, all are in `details.diagnostics`. `capabilities` says what would
 * change, where that is the reason.
 */
export function refuseCode(name: string, diagnostics: readonly Diagnostic[], capabilities?: CapabilityChange): PlatformError {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const first = errors[0]
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  const summary = first === undefined ? 'the analyzer gave no reason' : `${place(first)}${first.message}${more}`
  return new PlatformError('DEPLOYMENT_REJECTED', `Cannot deploy "${name}": ${summary}`, {
    details: capabilities === undefined ? { diagnostics } : { diagnostics, capabilities },
  })
}

function place({ file, line, column }: Diagnostic): string {
  if (file === '') return ''
  return line === 0 ? `${file}: ` : `${file}:${line}:${column}: `
}
