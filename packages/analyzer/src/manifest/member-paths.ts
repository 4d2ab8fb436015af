import { ts } from '@ts-morph/common'
import { propertyName, unwrap } from '../source/syntax.ts'
import type { Values } from '../values/evaluate.ts'
import { keyOf } from '../values/value.ts'
import type { Written } from '../values/writes.ts'

/** Deepest chain of names and members that is followed. */
const maxDepth = 50

/** Members after something that the file does not explain: `['secrets', 'KEY']` for `ctx.secrets.KEY`. A computed name is `undefined`. */
export interface MemberPath {
  /** The parameter, call or `this` that the members belong to. */
  readonly root: ts.Node
  /** The last names only: a chain of a million members is no reason to copy them again and again. */
  readonly names: readonly (string | undefined)[]
}

/** Names that a path keeps: two mean something, the third says that there are more. */
const keptNames = 3

/**
 * Follows members back to where they come from, through names, destructuring, folded keys and `Reflect.get`. What comes from a literal, an
 * import or a global is no path: it is not the context of a handler, whatever its members are called.
 */
export class MemberPaths {
  readonly #checker: ts.TypeChecker
  readonly #values: Values
  readonly #known = new Map<ts.Node, MemberPath | undefined>()

  constructor(checker: ts.TypeChecker, values: Values) {
    this.#checker = checker
    this.#values = values
  }

  of(expression: ts.Expression, depth = 0): MemberPath | undefined {
    if (depth > maxDepth) return undefined
    const node = unwrap(expression)
    if (this.#known.has(node)) return this.#known.get(node)
    // A name that is defined by itself comes from nowhere.
    this.#known.set(node, undefined)
    const path = this.#follow(node, depth)
    this.#known.set(node, path)
    return path
  }

  #follow(node: ts.Expression, depth: number): MemberPath | undefined {
    if (ts.isIdentifier(node)) return this.#ofName(node, depth)
    if (ts.isPropertyAccessExpression(node)) return member(this.of(node.expression, depth + 1), node.name.text)
    if (ts.isElementAccessExpression(node)) {
      const base = this.of(node.expression, depth + 1)
      return base && member(base, keyOf(this.#values.of(node.argumentExpression)))
    }
    if (node.kind === ts.SyntaxKind.ThisKeyword) return { root: node, names: [] }
    if (ts.isAwaitExpression(node)) return this.of(node.expression, depth + 1)
    if (ts.isCallExpression(node)) return this.#ofCall(node, depth)
    if (ts.isBinaryExpression(node)) return this.#ofChoice(node, depth)
    return undefined
  }

  /** The path of a destructured name. */
  ofBinding(element: ts.BindingElement, depth = 0): MemberPath | undefined {
    if (depth > maxDepth) return undefined
    const pattern = element.parent
    const base = this.#ofOwner(pattern.parent, depth + 1)
    if (base === undefined || element.dotDotDotToken !== undefined) return base
    if (ts.isArrayBindingPattern(pattern)) return member(base, String(pattern.elements.indexOf(element)))
    const name = element.propertyName ?? element.name
    if (ts.isComputedPropertyName(name)) return member(base, keyOf(this.#values.of(name.expression)))
    return ts.isPropertyName(name) ? member(base, propertyName(name)) : undefined
  }

  #ofOwner(owner: ts.BindingElement | ts.VariableDeclaration | ts.ParameterDeclaration, depth: number): MemberPath | undefined {
    if (ts.isBindingElement(owner)) return this.ofBinding(owner, depth)
    if (ts.isParameter(owner)) return { root: owner, names: [] }
    return owner.initializer === undefined ? undefined : this.of(owner.initializer, depth)
  }

  #ofName(node: ts.Identifier, depth: number): MemberPath | undefined {
    const symbol = ts.isShorthandPropertyAssignment(node.parent)
      ? this.#checker.getShorthandAssignmentValueSymbol(node.parent)
      : this.#checker.getSymbolAtLocation(node)
    const declaration = symbol?.declarations?.[0]
    if (declaration === undefined) return undefined
    const written = this.#values.writes.of(declaration)
    if (ts.isParameter(declaration) || (written?.kind === 'many' && ts.isVariableDeclaration(declaration))) return { root: declaration, names: [] }
    if (ts.isBindingElement(declaration)) return this.ofBinding(declaration, depth + 1)
    if (!ts.isVariableDeclaration(declaration)) return undefined
    if (declaration.initializer !== undefined) return this.of(declaration.initializer, depth + 1)
    return written && this.#ofWritten(written, depth + 1)
  }

  #ofWritten(written: Written, depth: number): MemberPath | undefined {
    if (depth > maxDepth || written.kind === 'many') return undefined
    if (written.kind === 'value') return this.of(written.value, depth)
    const { key } = written
    const name = typeof key === 'number' ? String(key) : ts.isComputedPropertyName(key) ? keyOf(this.#values.of(key.expression)) : propertyName(key)
    return member(this.#ofWritten(written.of, depth + 1), name)
  }

  #ofCall(node: ts.CallExpression, depth: number): MemberPath | undefined {
    const target = this.#values.of(node.expression)
    if (target.kind !== 'global') return { root: node, names: [] }
    const [object, key] = node.arguments
    if (target.path.join('.') !== 'Reflect.get' || object === undefined || key === undefined) return undefined
    const base = this.of(object, depth + 1)
    return base && member(base, keyOf(this.#values.of(key)))
  }

  #ofChoice(node: ts.BinaryExpression, depth: number): MemberPath | undefined {
    const kinds = ts.SyntaxKind
    const operator = node.operatorToken.kind
    if (operator === kinds.CommaToken || operator === kinds.EqualsToken) return this.of(node.right, depth + 1)
    if (operator !== kinds.BarBarToken && operator !== kinds.QuestionQuestionToken && operator !== kinds.AmpersandAmpersandToken) return undefined
    return this.of(node.left, depth + 1) ?? this.of(node.right, depth + 1)
  }
}

function member(base: MemberPath | undefined, name: string | undefined): MemberPath | undefined {
  return base && { root: base.root, names: [...base.names.slice(1 - keptNames), name] }
}
