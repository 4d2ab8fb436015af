import { ts } from 'ts-morph'
import { propertyName, unwrap } from '../source/syntax.ts'
import type { SourceText } from '../source/source-text.ts'
import { findWrites, type Writes } from './writes.ts'
import { addConstants, callDecoder, callMethod } from './string-methods.ts'
import { constant, globalValue, keyOf, memberOf, prototypeOf, unknown, type Value } from './value.ts'

/** Deepest chain of names and operators that is followed. */
const maxDepth = 100

/** Says what is known about expressions of one file: constants are folded, names and destructuring are followed. */
export interface Values {
  of(expression: ts.Expression): Value
  /** The value that a destructured name receives. */
  ofBinding(element: ts.BindingElement): Value
  /** True for a name that no declaration of the file explains. */
  isGlobalName(name: ts.Identifier): boolean
}

/** Creates the evaluator of one file. */
export function createValues(source: SourceText, checker: ts.TypeChecker): Values {
  return new Evaluator(checker, findWrites(source, checker))
}

class Evaluator implements Values {
  readonly #checker: ts.TypeChecker
  readonly #writes: Writes
  readonly #known = new Map<ts.Node, Value>()
  #depth = 0

  constructor(checker: ts.TypeChecker, writes: Writes) {
    this.#checker = checker
    this.#writes = writes
  }

  of(expression: ts.Expression): Value {
    const node = unwrap(expression)
    const known = this.#known.get(node)
    if (known !== undefined) return known
    if (this.#depth >= maxDepth) return unknown
    // A name that is defined by itself is unknown.
    this.#known.set(node, unknown)
    this.#depth++
    const value = this.#evaluate(node)
    this.#depth--
    this.#known.set(node, value)
    return value
  }

  isGlobalName(name: ts.Identifier): boolean {
    return this.#declarationsOf(name).length === 0
  }

  ofBinding(element: ts.BindingElement): Value {
    const pattern = element.parent
    const owner = pattern.parent
    const base = ts.isBindingElement(owner) ? this.ofBinding(owner) : ts.isVariableDeclaration(owner) ? this.#ofDeclared(owner) : unknown
    if (element.dotDotDotToken !== undefined) return ts.isObjectBindingPattern(pattern) ? base : unknown
    if (ts.isArrayBindingPattern(pattern)) return memberOf(base, String(pattern.elements.indexOf(element)))
    const name = element.propertyName ?? element.name
    const key = ts.isIdentifier(name)
      ? name.text
      : ts.isComputedPropertyName(name)
        ? keyOf(this.of(name.expression))
        : ts.isObjectBindingPattern(name) || ts.isArrayBindingPattern(name)
          ? undefined
          : propertyName(name)
    return key === undefined ? unknown : memberOf(base, key)
  }

  #evaluate(node: ts.Expression): Value {
    if (ts.isStringLiteralLike(node)) return constant(node.text)
    if (ts.isNumericLiteral(node)) return constant(Number(node.text))
    if (ts.isTemplateExpression(node)) return this.#template(node)
    if (ts.isIdentifier(node)) return this.#name(node)
    if (ts.isPropertyAccessExpression(node)) return memberOf(this.of(node.expression), node.name.text)
    if (ts.isElementAccessExpression(node)) return this.#element(node)
    if (ts.isCallExpression(node)) return this.#call(node)
    if (ts.isBinaryExpression(node)) return this.#binary(node)
    if (ts.isArrayLiteralExpression(node)) return { kind: 'list', items: this.#arguments(node.elements) }
    if (ts.isObjectLiteralExpression(node)) return this.#record(node)
    if (ts.isArrowFunction(node) || ts.isFunctionExpression(node) || ts.isClassExpression(node)) return { kind: 'function' }
    if (ts.isConditionalExpression(node)) return this.#choice(this.of(node.whenTrue), this.of(node.whenFalse))
    if (ts.isAwaitExpression(node)) return this.of(node.expression)
    if (ts.isVoidExpression(node)) return constant(undefined)
    if (node.kind === ts.SyntaxKind.TrueKeyword) return constant(true)
    if (node.kind === ts.SyntaxKind.FalseKeyword) return constant(false)
    if (node.kind === ts.SyntaxKind.NullKeyword) return constant(null)
    if (ts.isPrefixUnaryExpression(node)) return this.#unary(node)
    return unknown
  }

  #name(node: ts.Identifier): Value {
    if (node.text === 'undefined') return constant(undefined)
    const declarations = this.#declarationsOf(node)
    if (declarations.length === 0) return globalValue(node.text)
    const declaration = declarations[0]
    if (declaration === undefined || declarations.length > 1) return unknown
    const written = this.#writes.of(declaration)
    if (ts.isFunctionDeclaration(declaration) || ts.isClassDeclaration(declaration)) return written === undefined ? { kind: 'function' } : unknown
    if (written === 'many') return unknown
    if (written !== undefined) return ts.isVariableDeclaration(declaration) && declaration.initializer === undefined ? this.of(written) : unknown
    if (ts.isVariableDeclaration(declaration)) return this.#ofDeclared(declaration)
    if (ts.isBindingElement(declaration)) return this.ofBinding(declaration)
    return unknown
  }

  /** The value of a declaration's initialiser, or of one turn of the `for … of` that it belongs to. */
  #ofDeclared(declaration: ts.VariableDeclaration): Value {
    if (declaration.initializer !== undefined) return this.of(declaration.initializer)
    const loop = declaration.parent.parent
    if (!ts.isForOfStatement(loop)) return unknown
    const list = this.of(loop.expression)
    const first = list.kind === 'list' ? list.items[0] : undefined
    return first !== undefined && list.kind === 'list' && list.items.every((one) => one.kind === first.kind) && first.kind === 'function'
      ? first
      : unknown
  }

  #declarationsOf(node: ts.Identifier): readonly ts.Declaration[] {
    const symbol = ts.isShorthandPropertyAssignment(node.parent)
      ? this.#checker.getShorthandAssignmentValueSymbol(node.parent)
      : this.#checker.getSymbolAtLocation(node)
    return symbol?.declarations ?? []
  }

  #element(node: ts.ElementAccessExpression): Value {
    const key = keyOf(this.of(node.argumentExpression))
    return key === undefined ? unknown : memberOf(this.of(node.expression), key)
  }

  #template(node: ts.TemplateExpression): Value {
    return node.templateSpans.reduce<Value>(
      (text, span) => addConstants(addConstants(text, this.of(span.expression)), constant(span.literal.text)),
      constant(node.head.text),
    )
  }

  #unary(node: ts.PrefixUnaryExpression): Value {
    const operand = this.of(node.operand)
    if (operand.kind !== 'constant') return unknown
    if (node.operator === ts.SyntaxKind.ExclamationToken) return constant(operand.value === undefined ? true : !operand.value)
    if (node.operator === ts.SyntaxKind.MinusToken) return constant(-Number(operand.value))
    if (node.operator === ts.SyntaxKind.PlusToken) return constant(Number(operand.value))
    return node.operator === ts.SyntaxKind.TildeToken ? constant(~Number(operand.value)) : unknown
  }

  #binary(node: ts.BinaryExpression): Value {
    const kinds = ts.SyntaxKind
    const operator = node.operatorToken.kind
    if (operator === kinds.CommaToken || operator === kinds.EqualsToken) return this.of(node.right)
    if (operator === kinds.PlusToken) return addConstants(this.of(node.left), this.of(node.right))
    if (operator === kinds.BarBarToken || operator === kinds.QuestionQuestionToken) return this.#choice(this.of(node.left), this.of(node.right))
    if (operator === kinds.AmpersandAmpersandToken) return this.of(node.right)
    const left = this.of(node.left)
    const right = this.of(node.right)
    if (left.kind !== 'constant' || right.kind !== 'constant') return unknown
    return calculate(operator, Number(left.value), Number(right.value))
  }

  /** Of two possible values the one that matters to the rules. */
  #choice(first: Value, second: Value): Value {
    const isPlain = (value: Value) => value.kind === 'unknown' || (value.kind === 'constant' && !value.value)
    return isPlain(first) ? second : first
  }

  #record(node: ts.ObjectLiteralExpression): Value {
    const entries = new Map<string, Value>()
    for (const property of node.properties) {
      if (ts.isSpreadAssignment(property)) {
        const spread = this.of(property.expression)
        if (spread.kind === 'global') return spread
        if (spread.kind === 'record') for (const [key, value] of spread.entries) entries.set(key, value)
        continue
      }
      const name = ts.isComputedPropertyName(property.name) ? keyOf(this.of(property.name.expression)) : propertyName(property.name)
      if (name === undefined) continue
      if (ts.isPropertyAssignment(property)) entries.set(name, this.of(property.initializer))
      else if (ts.isShorthandPropertyAssignment(property)) entries.set(name, this.#name(property.name))
      else if (ts.isMethodDeclaration(property)) entries.set(name, { kind: 'function' })
    }
    return { kind: 'record', entries }
  }

  #arguments(nodes: readonly ts.Expression[]): Value[] {
    return nodes.flatMap((one) => {
      if (!ts.isSpreadElement(one)) return [this.of(one)]
      const spread = this.of(one.expression)
      if (spread.kind === 'list') return spread.items
      return spread.kind === 'constant' && typeof spread.value === 'string' ? [...spread.value].map(constant) : [unknown]
    })
  }

  #call(node: ts.CallExpression): Value {
    const callee = unwrap(node.expression)
    const values = this.#arguments(node.arguments)
    const target = this.of(callee)
    if (target.kind === 'global') return this.#callGlobal(target.path, values)
    if (ts.isPropertyAccessExpression(callee) || ts.isElementAccessExpression(callee)) {
      const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : keyOf(this.of(callee.argumentExpression))
      const receiver = this.of(callee.expression)
      if (name === 'bind') return receiver
      return name === undefined ? unknown : callMethod(receiver, name, values)
    }
    if ((ts.isArrowFunction(callee) || ts.isFunctionExpression(callee)) && node.arguments.length === 0) return this.#result(callee)
    return unknown
  }

  #callGlobal(path: readonly string[], values: readonly Value[]): Value {
    const [first = unknown, second = unknown] = values
    const name = path.join('.')
    const key = keyOf(second)
    if (name === 'Reflect.get') return key === undefined ? unknown : memberOf(first, key)
    if (name === 'Reflect.getPrototypeOf' || name === 'Object.getPrototypeOf') return prototypeOf(first)
    if (name === 'Reflect.getOwnPropertyDescriptor' || name === 'Object.getOwnPropertyDescriptor') {
      return key === undefined ? unknown : { kind: 'record', entries: new Map([['value', memberOf(first, key)]]) }
    }
    if (name === 'Object.assign') return values.find((one) => one.kind === 'global') ?? unknown
    if (name === 'Object' || name === 'Object.freeze') return first
    if (path.at(-1) === 'bind') return { kind: 'global', path: path.slice(0, -1) }
    return callDecoder(name, values)
  }

  /** The result of a function without parameters that is called where it stands. */
  #result(callee: ts.ArrowFunction | ts.FunctionExpression): Value {
    if (!ts.isBlock(callee.body)) return this.of(callee.body)
    const last = callee.body.statements.at(-1)
    return last !== undefined && ts.isReturnStatement(last) && last.expression !== undefined ? this.of(last.expression) : unknown
  }
}

function calculate(operator: ts.SyntaxKind, left: number, right: number): Value {
  switch (operator) {
    case ts.SyntaxKind.MinusToken:
      return constant(left - right)
    case ts.SyntaxKind.AsteriskToken:
      return constant(left * right)
    case ts.SyntaxKind.SlashToken:
      return constant(left / right)
    case ts.SyntaxKind.PercentToken:
      return constant(left % right)
    case ts.SyntaxKind.CaretToken:
      return constant(left ^ right)
    case ts.SyntaxKind.BarToken:
      return constant(left | right)
    case ts.SyntaxKind.AmpersandToken:
      return constant(left & right)
    default:
      return unknown
  }
}
