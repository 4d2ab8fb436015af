import { ts } from '@ts-morph/common'
import { unwrap } from '../source/syntax.ts'
import type { SourceText } from '../source/source-text.ts'
import type { Values } from '../values/evaluate.ts'
import type { Reference } from '../values/references.ts'
import { keyOf } from '../values/value.ts'
import { isName, type NamedKind } from './capability-names.ts'
import { findDatabaseUse } from './database-use.ts'
import type { HandlerParameters } from './handler-parameters.ts'
import { MemberPaths, type MemberPath } from './member-paths.ts'
import { findNetworkUses } from './network-uses.ts'

/** A place in the code that needs a right. */
export interface FoundUse {
  readonly kind: NamedKind | 'database'
  /** `undefined` when the name cannot be read from the code. */
  readonly name: string | undefined
  /** The host that a secret is sent to in a header. */
  readonly sentTo?: string
  readonly node: ts.Node
}

/** What finding uses in one file needs to know of it. */
export interface UseSurroundings {
  readonly values: Values
  readonly references: readonly Reference[]
  readonly checker: ts.TypeChecker
  readonly parameters: HandlerParameters
}

/** Finds what one file uses of its context, its environment and the network, in the order of the text within each kind. */
export function findUses(source: SourceText, around: UseSurroundings): readonly FoundUse[] {
  const database = findDatabaseUse(source, around.values)
  return [
    ...(database === undefined ? [] : [{ kind: 'database', name: 'ctx.db', node: database } as const]),
    ...findMemberUses(source, around),
    ...findNetworkUses(source, around).map(({ host, node }) => ({ kind: 'net', name: host, node }) as const),
    ...findPackageUses(source),
  ]
}

function findMemberUses(source: SourceText, { values, references, checker, parameters }: UseSurroundings): FoundUse[] {
  const paths = new MemberPaths(checker, values)
  const kinds = ts.SyntaxKind
  const found: FoundUse[] = []
  for (const node of source.nodesOf(kinds.PropertyAccessExpression, kinds.ElementAccessExpression, kinds.BindingElement, kinds.CallExpression)) {
    if (ts.isCallExpression(node)) {
      const path = paths.of(node.expression)
      if (path !== undefined && path.root !== parameters.input) note(callUse(path, node))
      // `Reflect.get(ctx.secrets, 'KEY')` is a member too.
      if (values.of(node.expression).kind !== 'global') continue
    } else if (isCallee(node)) continue
    const path = ts.isBindingElement(node) ? paths.ofBinding(node) : ts.isExpression(node) ? paths.of(node) : undefined
    if (path !== undefined && path.root !== parameters.input) note(memberUse(path, node, parameters))
  }
  for (const { node, value } of references) {
    if (value.kind !== 'global' || value.path[0] !== 'process' || value.path[1] !== 'env') continue
    if (value.path.length === 3) note({ kind: 'env', name: value.path[2], node })
    else if (value.path.length === 2 && ts.isElementAccessExpression(node.parent)) note({ kind: 'env', name: undefined, node })
  }
  return found

  function note(use: FoundUse | undefined): void {
    if (use === undefined) return
    const isKnown = use.kind === 'database' || (use.name !== undefined && isName(use.kind, use.name))
    found.push(isKnown ? use : { ...use, name: undefined })
  }

  function callUse({ names }: MemberPath, node: ts.CallExpression): FoundUse | undefined {
    const method = names.slice(-2).join('.')
    const kind = method === 'secrets.get' ? 'secret' : method === 'functions.invoke' ? 'function' : undefined
    const [first] = node.arguments
    return kind && { kind, name: first === undefined ? undefined : keyOf(values.of(first)), node }
  }
}

function memberUse({ root, names }: MemberPath, node: ts.Node, { context, environment }: HandlerParameters): FoundUse | undefined {
  if (root === environment && names.length === 1) return { kind: 'env', name: names[0], node }
  if (root === context && names.length === 1 && names[0] === undefined) return { kind: 'database', name: undefined, node }
  if (names.length < 2) return undefined
  if (names.at(-2) === 'secrets') return { kind: 'secret', name: names.at(-1), node }
  return names.at(-2) === 'env' ? { kind: 'env', name: names.at(-1), node } : undefined
}

/** True for what is called: a method, not a value. */
function isCallee(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && node.parent.expression === node
}

/** Packages that the file itself imports; those they need in turn stand nowhere in it. */
function findPackageUses(source: SourceText): FoundUse[] {
  return source.nodesOf(ts.SyntaxKind.StringLiteral).flatMap((node) => {
    if (!ts.isStringLiteral(node) || !isSpecifier(node)) return []
    const name = /^(?:@[^/]+\/)?[^@./][^/]*/.exec(node.text)?.[0]
    return name === undefined || name.includes(':') ? [] : [{ kind: 'package', name, node } as const]
  })
}

function isSpecifier(node: ts.StringLiteral): boolean {
  const { parent } = node
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || ts.isExternalModuleReference(parent)) return true
  if (!ts.isCallExpression(parent) || parent.arguments[0] !== node) return false
  const callee = unwrap(parent.expression)
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}
