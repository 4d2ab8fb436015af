import { ts } from '@ts-morph/common'
import type { Rule } from './rule.ts'

/** No code that no rule can read. */
export const noWebAssembly: Rule = {
  id: 'no-webassembly',
  severity: 'error',
  summary: 'No WebAssembly in the user’s own files: no rule can read it, and its memory is outside the heap.',
  check({ references, report }) {
    for (const { node, value } of references) {
      if (value.kind !== 'global' || value.path[0] !== 'WebAssembly' || value.path[1] === 'validate' || ts.isTypeOfExpression(node.parent)) continue
      report(
        node,
        'This uses WebAssembly, which the analyzer cannot read. Write the code in TypeScript or JavaScript, or use a package that the host allows.',
      )
    }
  },
}
