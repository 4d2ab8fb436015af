import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { Values } from '../values/evaluate.ts'
import type { Rule } from './rule.ts'

const prototypeSetters: ReadonlySet<string> = new Set(['Object.setPrototypeOf', 'Reflect.setPrototypeOf'])

/** The engine calls code of the function only where a reader expects it. */
export const languageHooks: Rule = {
  id: 'language-hooks',
  severity: 'warn',
  summary:
    'No hooks through which the engine calls code at places nobody sees: Symbol.species, a Proxy as prototype, a symbol as the name of an error, FinalizationRegistry.',
  check({ source, values, references, report }) {
    const kinds = ts.SyntaxKind
    for (const { node, value } of references) {
      const name = value.kind === 'global' ? value.path.join('.') : ''
      if (name === 'Symbol.species')
        report(node, 'Symbol.species makes built-in methods construct what the code chooses. Construct it where it is needed.')
      if (name === 'FinalizationRegistry')
        report(node, 'A FinalizationRegistry runs code when garbage is collected, which may be never. Free things when the work is done.')
    }
    for (const node of source.nodesOf(kinds.CallExpression, kinds.BinaryExpression)) {
      if (ts.isCallExpression(node) && prototypeSetters.has(values.callOf(node)?.name ?? '') && isProxy(node.arguments[1], values))
        report(node, 'A Proxy becomes a prototype, so that every member that is looked up runs code. Give the object a method of its own.')
      if (ts.isBinaryExpression(node) && isSymbolAsName(node, values))
        report(node, 'The name becomes a symbol, and whoever makes text of it fails. Give it a text.')
    }
  },
}

function isProxy(argument: ts.Expression | undefined, values: Values): boolean {
  if (argument === undefined) return false
  const made = unwrap(argument)
  const type = ts.isNewExpression(made) ? values.of(made.expression) : undefined
  return type?.kind === 'global' && type.path.join('.') === 'Proxy'
}

/** `error.name = Symbol('x')` */
function isSymbolAsName({ left, operatorToken, right }: ts.BinaryExpression, values: Values): boolean {
  if (operatorToken.kind !== ts.SyntaxKind.EqualsToken || !ts.isPropertyAccessExpression(left) || left.name.text !== 'name') return false
  return values.of(right).kind === 'symbol'
}
