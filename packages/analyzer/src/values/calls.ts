import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { SourceText } from '../source/source-text.ts'

/** Most calls of one function that are looked at. */
const maxCalls = 20

/** A function whose body stands in the file. */
export type LocalFunction = ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction

/** The calls of one function by its name or where it stands. */
export interface CallsOfFunction {
  readonly calls: readonly ts.CallExpression[]
  /** False when the function may also be called from where nobody sees it: it is exported, or handed on as a value. */
  readonly isComplete: boolean
}

/** Which calls of a file reach the functions that it declares. */
export interface Calls {
  of(declared: LocalFunction): CallsOfFunction
  /** The function that a call reaches. */
  targetOf(call: ts.CallExpression): LocalFunction | undefined
}

/** Indexes the calls of a file. */
export function findCalls(source: SourceText, checker: ts.TypeChecker): Calls {
  let index: Map<LocalFunction, ts.CallExpression[]> | undefined
  let mentions: Map<string, number> | undefined

  function targetOf(call: ts.CallExpression): LocalFunction | undefined {
    const callee = unwrap(call.expression)
    if (isLocalFunction(callee)) return callee
    if (!ts.isIdentifier(callee)) return undefined
    const [declaration, ...others] = checker.getSymbolAtLocation(callee)?.declarations ?? []
    if (declaration === undefined || others.length > 0) return undefined
    if (isLocalFunction(declaration)) return declaration
    if (!ts.isVariableDeclaration(declaration) || declaration.initializer === undefined) return undefined
    const value = unwrap(declaration.initializer)
    return isLocalFunction(value) ? value : undefined
  }

  function indexCalls(): Map<LocalFunction, ts.CallExpression[]> {
    const found = new Map<LocalFunction, ts.CallExpression[]>()
    for (const call of source.nodesOf(ts.SyntaxKind.CallExpression)) {
      const target = ts.isCallExpression(call) ? targetOf(call) : undefined
      if (target === undefined || !ts.isCallExpression(call)) continue
      const list = found.get(target)
      if (list === undefined) found.set(target, [call])
      else list.push(call)
    }
    return found
  }

  /** Whether every mention of the name is one of the calls. */
  function isOnlyCalled(declared: LocalFunction, calls: number): boolean {
    if (calls > maxCalls) return false
    const name = nameOf(declared)
    if (name === undefined) return ts.isCallExpression(outermost(declared).parent)
    mentions ??= countMentions(source)
    // The declaration itself is a mention; so is an export of the name. A name that stands for several things is counted too often, which is safe.
    return mentions.get(name.text) === calls + 1 && !isExported(name)
  }

  return {
    of(declared) {
      index ??= indexCalls()
      const calls = index.get(declared) ?? []
      return { calls: calls.slice(0, maxCalls), isComplete: isOnlyCalled(declared, calls.length) }
    },
    targetOf,
  }
}

function countMentions(source: SourceText): Map<string, number> {
  const found = new Map<string, number>()
  for (const name of source.nodesOf(ts.SyntaxKind.Identifier)) if (ts.isIdentifier(name)) found.set(name.text, (found.get(name.text) ?? 0) + 1)
  return found
}

function nameOf(declared: LocalFunction): ts.Identifier | undefined {
  if (!ts.isArrowFunction(declared) && declared.name !== undefined) return declared.name
  const { parent } = outermost(declared)
  return ts.isVariableDeclaration(parent) && ts.isIdentifier(parent.name) ? parent.name : undefined
}

function outermost(node: ts.Node): ts.Node {
  let at = node
  while (ts.isParenthesizedExpression(at.parent)) at = at.parent
  return at
}

function isExported(name: ts.Identifier): boolean {
  for (let at: ts.Node = name; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isVariableStatement(at) || ts.isFunctionDeclaration(at))
      return at.modifiers?.some((one) => one.kind === ts.SyntaxKind.ExportKeyword) === true
  }
  return false
}

function isLocalFunction(node: ts.Node): node is LocalFunction {
  return ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) || ts.isArrowFunction(node)
}
