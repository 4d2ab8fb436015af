import { isRecord } from '@cordon/contracts'
import { escapeText } from './escape.ts'
import { formatDiagnostics } from './diagnostics.ts'
import type { Terminal } from './terminal.ts'

/** Where to look next, where the message does not say it: it does not know of the command. */
const hints: Readonly<Record<string, string>> = {
  FUNCTION_NOT_FOUND: 'cordon list shows the functions',
  VERSION_NOT_FOUND: 'cordon versions <name> shows the versions',
  UNAUTHENTICATED: 'The token of the platform is given with --token or CORDON_TOKEN',
  STORE_UNAVAILABLE: 'cordon doctor looks for the reason',
  SANDBOX_FAILED: 'cordon doctor looks for the reason',
}

/** Renders a problem+json body for people. */
export function formatProblem(problem: unknown, terminal: Pick<Terminal, 'colors'>): string {
  const { colors } = terminal
  if (!isRecord(problem)) return colors.red('The platform answered with something that is not a problem document')
  const code = typeof problem['code'] === 'string' ? problem['code'] : `HTTP ${String(problem['status'])}`
  const diagnostics = formatDiagnostics(problem['diagnostics'], terminal)
  // The detail of a refused upload repeats the first diagnostic, for those who get nothing but a message.
  const words = diagnostics === '' ? (problem['detail'] ?? problem['title']) : problem['title']
  const parts = [`${colors.red(escapeText(code))} ${escapeText(String(words))}`]
  const { error } = problem
  if (isRecord(error) && typeof error['stack'] === 'string') parts.push(colors.dim(escapeText(error['stack'])))
  if (diagnostics !== '') parts.push('', diagnostics)
  if (typeof problem['invocationId'] === 'string') parts.push(colors.dim(`invocation ${escapeText(problem['invocationId'])}`))
  if (Object.hasOwn(hints, code)) parts.push(colors.dim(String(hints[code])))
  return parts.join('\n')
}
