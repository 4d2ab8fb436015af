import { createRequire } from 'node:module'
import type * as Refa from 'refa'
import type * as Scslre from 'scslre'
import { ts } from '@ts-morph/common'
import type { SourceText } from '../source/source-text.ts'
import type { Values } from '../values/evaluate.ts'
import type { Rule } from './rule.ts'

type ParsedPattern = Scslre.ParsedLiteral['pattern']
type Quantifier = Scslre.SelfReport['quant']
type Alternative = ParsedPattern['alternatives'][number]

/** Longest pattern that is looked at, in characters, and most of one file: what is beyond is generated, and would take too long. */
const maxLength = 1000
const maxPatterns = 200
/** Largest automaton of a part of a pattern, in states. */
const maxNodes = 1000
/** Only a group that is repeated can backtrack exponentially. */
const repeatedGroup = /\)(?:[*+]|\{\d+,\d*\})/

/** Regular expressions answer. */
export const endlessPatterns: Rule = {
  id: 'endless-patterns',
  severity: 'error',
  summary: 'No regular expression needs exponential time for a text that it does not match.',
  check({ source, values, report }) {
    for (const { node, pattern, flags } of patterns(source, values).slice(0, maxPatterns)) {
      const part = ambiguousPart(pattern, flags)
      if (part === undefined) continue
      report(
        node,
        `In this regular expression "${part}" can match the same text in many ways, so that it takes exponential time where it fails. Let every repetition start with a character that nothing before it can match.`,
      )
    }
  },
}

interface Pattern {
  readonly node: ts.Node
  readonly pattern: string
  readonly flags: string
}

/** The patterns of a file that are worth a look. */
function patterns(source: SourceText, values: Values): Pattern[] {
  const kinds = ts.SyntaxKind
  const nodes = source.nodesOf(kinds.RegularExpressionLiteral, kinds.NewExpression, kinds.CallExpression)
  return nodes
    .flatMap((node) => (ts.isRegularExpressionLiteral(node) ? [literal(node)] : made(node, values)))
    .filter(({ pattern }) => pattern.length <= maxLength && repeatedGroup.test(pattern))
}

function literal(node: ts.RegularExpressionLiteral): Pattern {
  const end = node.text.lastIndexOf('/')
  return { node, pattern: node.text.slice(1, end), flags: node.text.slice(end + 1) }
}

/** `new RegExp('…', 'g')` */
function made(node: ts.Node, values: Values): Pattern[] {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return []
  const [first, second] = node.arguments ?? []
  if (first === undefined || !/\bRegExp$/.test(node.expression.getText())) return []
  const type = values.of(node.expression)
  const pattern = values.of(first)
  const flags = second === undefined ? undefined : values.of(second)
  if (type.kind !== 'global' || type.path.join('.') !== 'RegExp' || pattern.kind !== 'constant' || typeof pattern.value !== 'string') return []
  return [{ node: first, pattern: pattern.value, flags: flags?.kind === 'constant' && typeof flags.value === 'string' ? flags.value : '' }]
}

/** The part of a pattern that can match one text in exponentially many ways; `undefined` when none was found, or the pattern is none. */
function ambiguousPart(source: string, flags: string): string | undefined {
  try {
    const { analyse } = libraries().scslre
    const { parsed, reports } = analyse({ source, flags }, { maxReports: 1, reportTypes: { Move: false, Trade: false, Self: true } })
    const [report] = reports
    if (report?.type === 'Self' && report.exponential) return report.parentQuant.raw
    return repetitions(parsed.pattern).find((one) => hasOverlap(one, { source, flags }))?.raw
  } catch {
    // The engine refuses what is no pattern, and what needs too many states is not decided.
    return undefined
  }
}

/** Repetitions of a choice: `(?:a|b)*` */
function repetitions(pattern: ParsedPattern): Quantifier[] {
  const found: Quantifier[] = []
  const stack: (Alternative | Alternative['elements'][number])[] = [...pattern.alternatives]
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.type === 'Quantifier') {
      if (node.max === Infinity && alternativesOf(node).length > 1) found.push(node)
      stack.push(node.element)
    } else if (node.type === 'Alternative') stack.push(...node.elements)
    else if (node.type === 'Group' || node.type === 'CapturingGroup') stack.push(...node.alternatives)
    else if (node.type === 'Assertion' && 'alternatives' in node) stack.push(...node.alternatives)
  }
  return found
}

function alternativesOf({ element }: Quantifier): readonly Alternative[] {
  return element.type === 'Group' || element.type === 'CapturingGroup' ? element.alternatives : []
}

/** Whether a text can be read as one turn of the repetition in two ways, or as one turn and as several. */
function hasOverlap(quantifier: Quantifier, literalOf: { source: string; flags: string }): boolean {
  const { JS, NFA, isDisjointWith } = libraries().refa
  const parser = JS.Parser.fromLiteral(literalOf)
  const limits = { maxNodes, assertions: 'disable', backreferences: 'disable' } as const
  const parts = alternativesOf(quantifier).map((one) => parser.parseElement(one, limits).expression)
  const machines = parts.map((one) => NFA.fromRegex(one, { maxCharacter: parser.maxCharacter }, {}, new NFA.LimitedNodeFactory(maxNodes)))
  // The engine ends a repetition that matches nothing: no ambiguity comes from there.
  if (machines.some((one) => one.finals.has(one.initial))) return false
  const any = parts.flatMap((one) => one.alternatives)
  const several = NFA.fromRegex(
    { type: 'Quantifier', min: 2, max: Infinity, lazy: false, alternatives: any },
    { maxCharacter: parser.maxCharacter },
    {},
    new NFA.LimitedNodeFactory(maxNodes),
  )
  return machines.some((one, index) => !isDisjointWith(one, several) || machines.slice(index + 1).some((other) => !isDisjointWith(one, other)))
}

let loaded: { readonly scslre: typeof Scslre; readonly refa: typeof Refa } | undefined

/** Loaded when the first such pattern is met: most uploads have none, and it takes 0.2 s. */
function libraries(): { readonly scslre: typeof Scslre; readonly refa: typeof Refa } {
  const require = createRequire(import.meta.url)
  loaded ??= { scslre: require('scslre') as typeof Scslre, refa: require('refa') as typeof Refa }
  return loaded
}
