import { ts } from '@ts-morph/common'
import { propertyName, unwrap } from '../source/syntax.ts'
import type { SourceText } from '../source/source-text.ts'
import { importedPath, modulePath } from './built-in-modules.ts'
import { findCalls, type Calls, type CallsOfFunction, type LocalFunction } from './calls.ts'
import { calculate, compare } from './operators.ts'
import { findWrites, type Writes, type Written } from './writes.ts'
import { addConstants, callDecoder, callMethod } from './string-methods.ts'
import { constant, globalValue, keyOf, memberOf, prototypeOf, unknown, type Value } from './value.ts'

/** Deepest chain of names and operators that is followed. */
const maxDepth = 100

/** Says what is known about expressions of one file: constants are folded, names and destructuring are followed. */
export interface Values {
  /** What is assigned to names of the file after their declaration. */
  readonly writes: Writes
  of(expression: ts.Expression): Value
  /** The value that a destructured name receives. */
  ofBinding(element: ts.BindingElement): Value
  /** True for a name that no declaration of the file explains. */
  isGlobalName(name: ts.Identifier): boolean
  /** The global function that a call reaches, also through `call`, `apply` and `Reflect.apply`, and what it is given. */
  callOf(call: ts.CallExpression): GlobalCall | undefined
  /** The function of the file that a call reaches. */
  targetOf(call: ts.CallExpression): LocalFunction | undefined
}

/** A call of something reached from the global object. */
export interface GlobalCall {
  /** `Object.assign` */
  readonly name: string
  readonly given: readonly Value[]
}

/** Creates the evaluator of one file. */
export function createValues(source: SourceText, checker: ts.TypeChecker): Values {
  return new Evaluator(checker, findWrites(source, checker), findCalls(source, checker))
}

const nowhere: CallsOfFunction = { calls: [], isComplete: false }

class Evaluator implements Values {
  readonly writes: Writes
  readonly #checker: ts.TypeChecker
  readonly #calls: Calls
  readonly #known = new Map<ts.Node, Value>()
  #depth = 0

  constructor(checker: ts.TypeChecker, writes: Writes, calls: Calls) {
    this.#checker = checker
    this.writes = writes
    this.#calls = calls
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
    const value = this.#ofElement(element)
    return element.initializer === undefined ? value : this.#choice(value, this.of(element.initializer))
  }

  callOf(node: ts.CallExpression): GlobalCall | undefined {
    const target = this.of(node.expression)
    if (target.kind !== 'global') return undefined
    const given = this.#arguments(node.arguments)
    const last = target.path.at(-1)
    const name = target.path.slice(0, -1).join('.')
    if (name !== '' && last === 'call') return { name, given: given.slice(1) }
    if (name !== '' && last === 'apply') {
      if (name === 'Reflect' && given[0]?.kind === 'global') return { name: given[0].path.join('.'), given: itemsOf(given[2]) }
      if (name !== 'Reflect') return { name, given: itemsOf(given[1]) }
    }
    return { name: target.path.join('.'), given }
  }

  targetOf(call: ts.CallExpression): LocalFunction | undefined {
    return this.#calls.targetOf(call)
  }

  #ofElement(element: ts.BindingElement): Value {
    const pattern = element.parent
    const owner = pattern.parent
    const base = ts.isBindingElement(owner)
      ? this.ofBinding(owner)
      : ts.isVariableDeclaration(owner)
        ? this.#ofDeclared(owner)
        : ts.isParameter(owner)
          ? this.#ofParameter(owner)
          : unknown
    if (element.dotDotDotToken !== undefined) return ts.isObjectBindingPattern(pattern) ? base : unknown
    if (ts.isArrayBindingPattern(pattern)) return memberOf(base, String(pattern.elements.indexOf(element)))
    const name = element.propertyName ?? element.name
    if (ts.isObjectBindingPattern(name) || ts.isArrayBindingPattern(name)) return unknown
    const key = this.#keyOfName(name)
    return key === undefined ? unknown : memberOf(base, key)
  }

  #keyOfName(name: ts.PropertyName): string | undefined {
    return ts.isComputedPropertyName(name) ? keyOf(this.of(name.expression)) : propertyName(name)
  }

  #ofWritten(written: Written): Value {
    if (written.kind === 'many') return unknown
    if (written.kind === 'value') return this.of(written.value)
    const key = typeof written.key === 'number' ? String(written.key) : this.#keyOfName(written.key)
    return key === undefined ? unknown : memberOf(this.#ofWritten(written.of), key)
  }

  /** What the calls to be seen give for a parameter, or its default. */
  #ofParameter(parameter: ts.ParameterDeclaration): Value {
    const owner = parameter.parent
    const index = owner.parameters.findIndex((one) => one === parameter)
    const { calls, isComplete } = isLocal(owner) && parameter.dotDotDotToken === undefined ? this.#calls.of(owner) : nowhere
    const given = calls.map((call) => (call.arguments.slice(0, index + 1).some(ts.isSpreadElement) ? undefined : call.arguments[index]))
    const values = given.map((one) => (one === undefined ? unknown : this.of(one)))
    const [first = unknown] = values
    // One call that hands in what matters is enough; a constant has to be the only one.
    const value = isComplete && values.length === 1 ? first : (values.find(carriesAuthority) ?? unknown)
    return parameter.initializer === undefined ? value : this.#choice(value, this.of(parameter.initializer))
  }

  #evaluate(node: ts.Expression): Value {
    if (ts.isStringLiteralLike(node)) return constant(node.text)
    if (ts.isNumericLiteral(node)) return constant(Number(node.text))
    if (ts.isTemplateExpression(node)) return this.#template(node)
    if (ts.isIdentifier(node)) return this.#name(node)
    if (ts.isPropertyAccessExpression(node)) return memberOf(this.of(node.expression), node.name.text)
    if (ts.isElementAccessExpression(node)) return this.#element(node)
    if (ts.isCallExpression(node)) return this.#call(node)
    if (ts.isNewExpression(node)) return this.#construct(node)
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
    const written = this.writes.of(declaration)
    if (ts.isFunctionDeclaration(declaration) || ts.isClassDeclaration(declaration)) return written === undefined ? { kind: 'function' } : unknown
    if (written !== undefined)
      return ts.isVariableDeclaration(declaration) && declaration.initializer === undefined ? this.#ofWritten(written) : unknown
    if (ts.isVariableDeclaration(declaration)) return this.#ofDeclared(declaration)
    if (ts.isParameter(declaration)) return this.#ofParameter(declaration)
    if (ts.isBindingElement(declaration)) return this.ofBinding(declaration)
    const imported = importedPath(declaration)
    return imported === undefined ? unknown : { kind: 'global', path: imported }
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
    const left = this.of(node.left)
    const right = this.of(node.right)
    if (operator === kinds.BarBarToken || operator === kinds.AmpersandAmpersandToken) {
      const isTrue = truth(left)
      if (isTrue === undefined) return this.#choice(left, right)
      return isTrue === (operator === kinds.BarBarToken) ? left : right
    }
    if (operator === kinds.QuestionQuestionToken) return isNullish(left) ? right : this.#choice(left, right)
    if (left.kind !== 'constant' || right.kind !== 'constant') return unknown
    const compared = compare(operator, left.value, right.value)
    return compared === undefined ? calculate(operator, Number(left.value), Number(right.value)) : constant(compared)
  }

  /** Of two possible values the one that matters to the rules; what only may be is not known. */
  #choice(first: Value, second: Value): Value {
    if (carriesAuthority(first)) return first
    if (carriesAuthority(second)) return second
    return first.kind === 'constant' && second.kind === 'constant' && first.value === second.value ? first : unknown
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
      else if (ts.isGetAccessorDeclaration(property)) entries.set(name, this.#returned(property.body))
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
    if (callee.kind === ts.SyntaxKind.ImportKeyword) return moduleNamed(values[0])
    const target = this.of(callee)
    const called = this.callOf(node)
    if (called !== undefined) return this.#callGlobal(called.name.split('.'), called.given)
    // The idiom for the global object where it has no name.
    if (target.kind === 'function' && ts.isCallExpression(callee) && isReturnThis(this.callOf(callee))) return { kind: 'global', path: [] }
    if (ts.isPropertyAccessExpression(callee) || ts.isElementAccessExpression(callee)) {
      const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : keyOf(this.of(callee.argumentExpression))
      const receiver = this.of(callee.expression)
      if (name === 'bind') return receiver
      return name === undefined ? unknown : callMethod(receiver, name, values)
    }
    const local = this.#calls.targetOf(node)
    return local === undefined ? unknown : this.#result(local)
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
    if (name === 'require') return moduleNamed(first)
    if (name === 'Symbol' || name === 'Symbol.for') return { kind: 'symbol' }
    if (name === 'Function') return isReturnThis({ name, given: values }) ? { kind: 'function' } : unknown
    if (path.at(-1) === 'bind') return { kind: 'global', path: path.slice(0, -1) }
    return callDecoder(name, values)
  }

  /** A proxy of an object gives what the object has. */
  #construct(node: ts.NewExpression): Value {
    const type = this.of(node.expression)
    const first = node.arguments?.[0]
    if (type.kind !== 'global' || first === undefined) return unknown
    const name = type.path.join('.')
    if (name === 'Proxy') return this.of(first)
    return name === 'String' ? callDecoder(name, [this.of(first)]) : unknown
  }

  /** What a function surely returns. */
  #result(callee: LocalFunction): Value {
    if (callee.asteriskToken !== undefined || callee.body === undefined) return unknown
    return ts.isBlock(callee.body) ? this.#returned(callee.body) : this.of(callee.body)
  }

  #returned(body: ts.Block | undefined): Value {
    if (body === undefined) return unknown
    const values = returnsOf(body).map((one) => (one.expression === undefined ? constant(undefined) : this.of(one.expression)))
    const [first = unknown] = values
    const isSure = values.length === 1 && body.statements.at(-1)?.kind === ts.SyntaxKind.ReturnStatement
    return isSure ? first : (values.find(carriesAuthority) ?? unknown)
  }
}

/** `Function('return this')`: the text is known, and all it does is give the global object. */
export function isReturnThis(call: GlobalCall | undefined): boolean {
  const text = call?.name === 'Function' && call.given.length === 1 ? call.given[0] : undefined
  return text?.kind === 'constant' && typeof text.value === 'string' && /^\s*return this;?\s*$/.test(text.value)
}

function moduleNamed(specifier: Value | undefined): Value {
  const path = specifier?.kind === 'constant' ? modulePath(String(specifier.value)) : undefined
  return path === undefined ? unknown : { kind: 'global', path }
}

/** Whether a value is true; `undefined` when that is not known. */
function truth(value: Value): boolean | undefined {
  if (value.kind === 'constant') return Boolean(value.value)
  return value.kind === 'list' || value.kind === 'record' || value.kind === 'function' ? true : undefined
}

function isNullish(value: Value): boolean {
  return value.kind === 'constant' && (value.value === undefined || value.value === null)
}

/** Things that a program must not get hold of unseen: when a value may be one of them, it is taken for it. */
function carriesAuthority(value: Value): boolean {
  return value.kind === 'global' || value.kind === 'function' || value.kind === 'function-constructor' || value.kind === 'some-constructor'
}

/** The return statements of a body, without those of functions inside it. */
function returnsOf(body: ts.Block): ts.ReturnStatement[] {
  const found: ts.ReturnStatement[] = []
  const stack: ts.Node[] = [body]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (ts.isReturnStatement(node)) found.push(node)
    else if (!ts.isFunctionLike(node)) ts.forEachChild(node, (child) => void stack.push(child))
  }
  return found
}

function itemsOf(value: Value | undefined): readonly Value[] {
  return value?.kind === 'list' ? value.items : []
}

function isLocal(node: ts.SignatureDeclaration): node is LocalFunction {
  return ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) || ts.isArrowFunction(node)
}
