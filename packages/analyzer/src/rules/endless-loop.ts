import { ts } from '@ts-morph/common'
import type { Values } from '../values/evaluate.ts'
import type { Rule } from './rule.ts'

/** Loops end, or let others run. */
export const endlessLoop: Rule = {
  id: 'endless-loop',
  severity: 'error',
  summary: 'A loop that is always true has a break, return, throw, await or yield.',
  check({ source, values, report }) {
    const kinds = ts.SyntaxKind
    for (const loop of source.nodesOf(kinds.ForStatement, kinds.WhileStatement, kinds.DoStatement)) {
      if (!isLoop(loop) || !isAlwaysTrue(loop, values) || hasExit(loop)) continue
      report({ start: loop.getStart(), length: 5 }, 'This loop never ends and never waits. Add a condition, a break, or an await.')
    }
  },
}

/** Functions do not call themselves for ever. */
export const endlessRecursion: Rule = {
  id: 'endless-recursion',
  severity: 'error',
  summary: 'A function does not call or schedule itself unconditionally.',
  check({ source, checker, values, report }) {
    const kinds = ts.SyntaxKind
    for (const node of source.nodesOf(kinds.CallExpression)) {
      if (!ts.isCallExpression(node)) continue
      const owner = enclosingFunction(node)
      const name = owner === undefined ? undefined : nameOf(owner)
      if (owner === undefined || name === undefined || !isUnconditional(node, owner)) continue
      const symbol = checker.getSymbolAtLocation(name)
      const isSelf = (one: ts.Expression) =>
        symbol !== undefined &&
        ts.isIdentifier(one) &&
        one.text === name.text &&
        checker.getSymbolAtLocation(one) === symbol &&
        values.of(one).kind === 'function'
      if (isSelf(node.expression) && !isGenerator(owner)) report(node, `${name.text} always calls itself. Add a condition under which it ends.`)
      else if (isScheduler(node) && node.arguments.some(isSelf))
        report(node, `${name.text} always schedules itself again, so the function never ends. Add a condition under which it ends.`)
    }
  },
}

type Loop = ts.ForStatement | ts.WhileStatement | ts.DoStatement

function isLoop(node: ts.Node): node is Loop {
  return ts.isForStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)
}

function isAlwaysTrue(loop: Loop, values: Values): boolean {
  const condition = ts.isForStatement(loop) ? loop.condition : loop.expression
  if (condition === undefined) return true
  const value = values.of(condition)
  return (value.kind === 'constant' && Boolean(value.value)) || value.kind === 'list' || value.kind === 'record' || value.kind === 'function'
}

/** Whether something in the loop can leave it or lets the event loop run. Functions inside run at another time. */
function hasExit(loop: Loop): boolean {
  const stack: { node: ts.Node; isNested: boolean }[] = [{ node: loop.statement, isNested: false }]
  const condition = ts.isForStatement(loop) ? loop.incrementor : loop.expression
  if (condition !== undefined) stack.push({ node: condition, isNested: false })
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { node } = at
    if (ts.isReturnStatement(node) || ts.isThrowStatement(node) || ts.isAwaitExpression(node) || ts.isYieldExpression(node)) return true
    if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) return true
    if (ts.isBreakStatement(node) && (node.label === undefined ? !at.isNested : !isInside(node.label, loop))) return true
    if (ts.isContinueStatement(node) && node.label !== undefined && !isInside(node.label, loop)) return true
    if (ts.isFunctionLike(node)) continue
    const isNested = at.isNested || ts.isIterationStatement(node, false) || ts.isSwitchStatement(node)
    ts.forEachChild(node, (child) => void stack.push({ node: child, isNested }))
  }
  return false
}

/** Whether a label belongs to a statement inside the loop. */
function isInside(label: ts.Identifier, loop: Loop): boolean {
  for (let at: ts.Node = label; at !== loop && !ts.isSourceFile(at); at = at.parent) {
    if (ts.isLabeledStatement(at) && at.label.text === label.text) return true
  }
  return false
}

function enclosingFunction(node: ts.Node): ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction | undefined {
  for (let at = node.parent; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isFunctionDeclaration(at) || ts.isFunctionExpression(at) || ts.isArrowFunction(at)) return at
    if (ts.isFunctionLike(at) || ts.isClassStaticBlockDeclaration(at)) return undefined
  }
  return undefined
}

function nameOf(owner: ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction): ts.Identifier | undefined {
  if (!ts.isArrowFunction(owner) && owner.name !== undefined) return owner.name
  return ts.isVariableDeclaration(owner.parent) && ts.isIdentifier(owner.parent.name) ? owner.parent.name : undefined
}

function isGenerator(owner: ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction): boolean {
  return owner.asteriskToken !== undefined
}

/** True when the call surely happens each time the function runs: nothing before or around it decides otherwise. */
function isUnconditional(call: ts.Node, owner: ts.Node): boolean {
  for (let at = call; at !== owner; at = at.parent) {
    const { parent } = at
    if (ts.isIfStatement(parent) && parent.expression !== at) return false
    if (ts.isConditionalExpression(parent) && parent.condition !== at) return false
    if (ts.isBinaryExpression(parent) && parent.right === at && isShortCircuit(parent.operatorToken.kind)) return false
    if (
      ts.isIterationStatement(parent, false) ||
      ts.isCaseClause(parent) ||
      ts.isDefaultClause(parent) ||
      ts.isCatchClause(parent) ||
      ts.isTryStatement(parent)
    )
      return false
    if (
      (ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent) || ts.isCallExpression(parent)) &&
      parent.questionDotToken !== undefined
    )
      return false
    // An earlier statement that can leave the function decides whether this one runs.
    if (
      ts.isBlock(parent) &&
      parent.statements
        .slice(
          0,
          parent.statements.findIndex((one) => one === at),
        )
        .some(canLeave)
    )
      return false
  }
  return true
}

function isShortCircuit(operator: ts.SyntaxKind): boolean {
  const kinds = ts.SyntaxKind
  return [
    kinds.AmpersandAmpersandToken,
    kinds.BarBarToken,
    kinds.QuestionQuestionToken,
    kinds.AmpersandAmpersandEqualsToken,
    kinds.BarBarEqualsToken,
    kinds.QuestionQuestionEqualsToken,
  ].includes(operator)
}

function canLeave(statement: ts.Statement): boolean {
  const stack: ts.Node[] = [statement]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (ts.isReturnStatement(node) || ts.isThrowStatement(node) || ts.isAwaitExpression(node) || ts.isYieldExpression(node)) return true
    if (!ts.isFunctionLike(node)) ts.forEachChild(node, (child) => void stack.push(child))
  }
  return false
}

/** Calls that run a function later without time passing in between. */
function isScheduler(call: ts.CallExpression): boolean {
  const text = call.expression.getText()
  return (
    /^(?:queueMicrotask|setImmediate|process\.nextTick)$/.test(text) ||
    (ts.isPropertyAccessExpression(call.expression) && call.expression.name.text === 'then')
  )
}
