import { ts } from '@ts-morph/common'
import { findDefaultExport } from './exports.ts'
import type { SourceText } from './source-text.ts'

/** Longest description in characters; more is documentation, not a hint. */
const maxDescription = 1000

/** What the doc comment with the marker says about the handler, without its tags; `undefined` when it says nothing. */
export function describeHandlerComment({ ast }: SourceText): string | undefined {
  const found = findDefaultExport(ast)
  if (found.kind !== 'local') return undefined
  const declared = found.declaration?.kind === 'value' ? found.declaration.statement : undefined
  // The declaration comes second: a text at the export is nearer to the callers.
  for (const statement of [found.statement, declared]) {
    const last = statement === undefined ? undefined : ts.getJSDocCommentsAndTags(statement).findLast((one) => ts.isJSDoc(one))
    const text = (ts.getTextOfJSDocComment(last?.comment) ?? '').trim()
    if (text !== '') return readable(text)
  }
  return undefined
}

/** Ends at a whole character, and has no controls: a database refuses the first of them, and nobody can read the others. */
function readable(text: string): string {
  return [...text.replaceAll(/[^\P{Cc}\t\n]/gu, ' ')].slice(0, maxDescription).join('')
}
