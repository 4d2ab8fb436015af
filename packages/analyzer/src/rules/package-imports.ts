import { ts } from '@ts-morph/common'
import type { BundleResult, RefusedImport } from '../bundle/bundle.ts'
import type { ImportStep } from '../bundle/import-graph.ts'
import { remedyFor } from '../bundle/remedies.ts'
import { isFirstParty } from '../bundle/upload-tree.ts'

/** What is wrong with one import of a package: the user's own, wherever below it the reason is. */
export interface PackageFinding {
  readonly rule: 'package-imports' | 'package-requires'
  readonly severity: 'error' | 'warn'
  readonly message: string
  /** The user's file. */
  readonly file: string
  readonly specifier: string
}

/** Most other modules that a finding names. */
const maxOthers = 5

/**
 * Judges the imports that packages make. One that runs as soon as the package is loaded refuses the deployment: the package
 * is made for Node with all its rights. A `require` inside a function or a `try` may never run, and many packages that work
 * everywhere have one. One finding for each import of the user's, with the way to the reason.
 */
export function judgePackages(bundled: BundleResult): PackageFinding[] {
  const groups = new Map<string, Reason[]>()
  const wayTo = bundled.graph.waysThrough(bundled.included)
  const trees = new Map<string, ts.SourceFile>()
  for (const refused of bundled.refused) {
    if (isFirstParty(refused.file) || !bundled.included.has(refused.file)) continue
    const way = wayTo(refused.file)
    const start = way.findLastIndex((step) => isFirstParty(step.importer))
    const step = way[start]
    if (step === undefined) continue
    const tree = trees.get(refused.file) ?? parse(refused.file, bundled.sources)
    trees.set(refused.file, tree)
    const mayNotRun = mayNeverRun(refused.specifier, tree)
    const key = `${step.importer}\0${step.specifier}`
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push({ refused, way: way.slice(start), step, mayNotRun })
  }
  // What may run after all matters only where nothing else refuses the package.
  return [...groups.values()].map((group) => {
    const certain = group.filter((one) => !one.mayNotRun)
    return describe((certain.length > 0 ? certain : group).toSorted(compare))
  })
}

interface Reason {
  readonly refused: RefusedImport
  /** From the user's file to the one that holds the import. */
  readonly way: readonly ImportStep[]
  readonly step: ImportStep
  readonly mayNotRun: boolean
}

function describe(reasons: readonly Reason[]): PackageFinding {
  const [reason] = reasons
  if (reason === undefined) throw new Error('Cannot describe a finding: there is no reason')
  const { refused, way, step, mayNotRun } = reason
  const name = packageOf(step.imported)
  const files = [step.importer, ...way.map((one) => shortName(one.imported))].join(' > ')
  const others = [...new Set(reasons.map((one) => one.refused.specifier))].filter((one) => one !== refused.specifier)
  const rest = others.length > maxOthers ? ` and ${others.length - maxOthers} more` : ''
  const also = others.length === 0 ? '' : `, and ${listOf(others.slice(0, maxOthers))}${rest}`
  const remedy = remedyFor(name)
  const instead = remedy === undefined ? refused.refusal : `Instead of ${name}: ${remedy}.`
  const needs = `"${refused.specifier}" (${files})${also}`
  return {
    rule: mayNotRun ? 'package-requires' : 'package-imports',
    severity: mayNotRun ? 'warn' : 'error',
    message: mayNotRun
      ? `The package ${name} uses ${needs} in a part that may not run. ${refused.refusal}`
      : `The package ${name} cannot run in a function: it needs ${needs}. ${instead}`,
    file: step.importer,
    specifier: step.specifier,
  }
}

function listOf(names: readonly string[]): string {
  return names.map((one) => `"${one}"`).join(', ')
}

/** The nearest reason first; then by name, so that the order in which the bundler reads does not count. */
function compare(a: Reason, b: Reason): number {
  return a.way.length - b.way.length || (nameOf(a) < nameOf(b) ? -1 : 1)
}

function nameOf({ refused }: Reason): string {
  return `${refused.file}\0${refused.specifier}`
}

function shortName(file: string): string {
  return file.slice(file.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

/** The name in `node_modules/<name>/…` or `node_modules/<name>@<version>/…`. */
function packageOf(file: string): string {
  return /^(?:@[^/]+\/)?[^/@]+/.exec(shortName(file))?.[0] ?? file
}

function parse(file: string, sources: BundleResult['sources']): ts.SourceFile {
  return ts.createSourceFile(file, new TextDecoder().decode(sources.get(file)), ts.ScriptTarget.ESNext, true)
}

function mayNeverRun(specifier: string, tree: ts.SourceFile): boolean {
  const found: ts.Node[] = []
  const stack: ts.Node[] = [tree]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (ts.isStringLiteralLike(node) && node.text === specifier && isSpecifier(node)) found.push(node)
    ts.forEachChild(node, (child) => void stack.push(child))
  }
  return found.length > 0 && found.every(isConditional)
}

function isSpecifier(node: ts.StringLiteralLike): boolean {
  const { parent } = node
  return ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent) || (ts.isCallExpression(parent) && parent.arguments[0] === node)
}

function isConditional(node: ts.Node): boolean {
  for (let at = node; !ts.isSourceFile(at); at = at.parent) {
    if (ts.isFunctionLike(at) || ts.isTryStatement(at) || ts.isIfStatement(at) || ts.isConditionalExpression(at)) return true
    if (ts.isCallExpression(at) && at.expression.kind === ts.SyntaxKind.ImportKeyword) return true
  }
  return false
}
