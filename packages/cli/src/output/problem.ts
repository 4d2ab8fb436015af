import { isRecord } from '@cordon/contracts'
import { escapeText } from './escape.ts'
import { formatDiagnostics } from './diagnostics.ts'
import type { Terminal } from './terminal.ts'

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
  return parts.join('\n')
}
