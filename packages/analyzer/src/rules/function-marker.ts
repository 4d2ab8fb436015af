import { ts } from '@ts-morph/common'
import { findDefaultExport } from '../source/exports.ts'
import type { Rule } from './rule.ts'

/** The handler is marked, so that nothing is deployed by accident. */
export const functionMarker: Rule = {
  id: 'function-marker',
  severity: 'error',
  summary: 'The last JSDoc block before the default export, or before the declaration it names, has the tag @function.',
  check({ source, isEntry, report }) {
    if (!isEntry) return
    const found = findDefaultExport(source.ast)
    if (found.kind === 'none') return
    if (found.kind === 're-export') {
      report(
        found.statement,
        'The default export is a re-export, which cannot carry the marker. Import the handler and export it below a /** @function */ comment.',
      )
      return
    }
    const declared = found.declaration?.kind === 'value' ? found.declaration.statement : undefined
    if (hasMarker(found.statement) || (declared !== undefined && hasMarker(declared))) return
    report(firstLine(source.ast, found.statement), 'The default export has no @function marker. Write /** @function */ on the line before it.')
  },
}

function hasMarker(statement: ts.Statement): boolean {
  const last = ts.getJSDocCommentsAndTags(statement).findLast((one) => ts.isJSDoc(one))
  return last?.tags?.some((tag) => tag.tagName.text === 'function') === true
}

function firstLine(ast: ts.SourceFile, statement: ts.Statement): { start: number; length: number } {
  const start = statement.getStart(ast)
  const end = ast.text.indexOf('\n', start)
  return { start, length: Math.min(statement.end, end === -1 ? statement.end : end) - start }
}
