import { ts } from '@ts-morph/common'
import type { SourceText } from '../source/source-text.ts'
import { propertyName } from '../source/syntax.ts'
import type { Values } from '../values/evaluate.ts'
import type { Rule } from './rule.ts'

const remedy = 'Take it out of the code, revoke it, and read it from ctx.secrets.'

/**
 * Formats of credentials, as those who issue them document them: AWS ("unique ID prefixes" in the IAM user guide), GitHub ("token formats"
 * in its security documentation), GitLab ("token prefixes"), Slack ("token types"), Stripe ("API keys"), npm ("access tokens"), SendGrid,
 * Anthropic and OpenAI (their API references); private keys are RFC 7468, user information in addresses RFC 3986.
 */
const formats: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['an access key of AWS', /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/],
  ['a token of GitHub', /\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_\w{60,255}\b/],
  ['a token of GitLab', /\bglpat-[\w-]{20,255}\b/],
  ['a token of Slack', /\bxox[abeoprs]-[A-Za-z0-9-]{20,255}\b/],
  ['a live key of Stripe', /\b[rs]k_live_[A-Za-z0-9]{16,255}\b/],
  ['a token of npm', /\bnpm_[A-Za-z0-9]{36}\b/],
  ['a key of SendGrid', /\bSG\.[\w-]{22}\.[\w-]{43}\b/],
  ['a key of Anthropic', /\bsk-ant-[\w-]{40,255}\b/],
  ['a key of OpenAI', /\bsk-(?:proj-)?[\w-]{20,255}T3BlbkFJ[\w-]{20,255}\b/],
  ['a private key', /-----BEGIN (?:[A-Z]{2,10} )?PRIVATE KEY-----\s*[A-Za-z0-9+/=\s]{40}/],
  [
    'an address with a password',
    /\b(?:postgres|postgresql|mysql|mongodb|mongodb\+srv|redis|rediss|amqp|amqps):\/\/[^\s:@/]{1,64}:[^\s:@/]{3,128}@(?!localhost|127\.|example|[\w.-]+\.(?:example|test|local)\b)/,
  ],
]

/** Examples and blanks that stand for a credential. */
const placeholder = /example|placeholder|changeme|your[-_ ]?|dummy|sample|test|redacted|(.)\1{5}|\$\{|<[^>]+>|:(?:pass|password|pw|secret)@/i

/** Credentials are not in the code. */
export const writtenSecrets: Rule = {
  id: 'written-secrets',
  severity: 'error',
  summary: 'No credentials in the code: no text in a format that a service issues tokens or keys in.',
  check({ source, values, report }) {
    for (const { node, text } of texts(source, values)) {
      const found = formats.find(([, pattern]) => {
        const [match] = pattern.exec(text) ?? []
        return match !== undefined && !placeholder.test(match)
      })
      if (found !== undefined) report(node, `This looks like ${found[0]}. ${remedy}`)
    }
  },
}

/** Names that say that their value is secret. */
const secretName =
  /(?:^|[a-z\d_-])?(?:api[-_]?key|secret[-_]?(?:key)?|passw(?:or)?d|passphrase|private[-_]?key|access[-_]?(?:key|token)|auth[-_]?token|bearer|credential)s?$/i
/** Fewest characters of a value that is taken for a secret. */
const minLength = 16
/** Fewest bits a character (Shannon): random hexadecimal text has 3.4 to 4, base64 above 4, words and sentences of this length about 3. */
const minEntropy = 3.3

/** Values that look random are not given to names that say "secret". */
export const secretNames: Rule = {
  id: 'secret-names',
  severity: 'warn',
  summary: 'No random-looking text is given to a name such as apiKey or password.',
  check({ source, values, report }) {
    const kinds = ts.SyntaxKind
    for (const node of source.nodesOf(kinds.VariableDeclaration, kinds.PropertyAssignment, kinds.BinaryExpression, kinds.PropertyDeclaration)) {
      const given = assignment(node)
      if (given === undefined || !secretName.test(given.name)) continue
      const value = values.of(given.value)
      if (value.kind !== 'constant' || typeof value.value !== 'string' || !looksRandom(value.value)) continue
      report(given.value, `A secret seems to be given to "${given.name}". ${remedy}`)
    }
  },
}

function assignment(node: ts.Node): { name: string; value: ts.Expression } | undefined {
  if (ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node)) {
    const name = ts.isIdentifier(node.name) ? node.name.text : undefined
    return name === undefined || node.initializer === undefined ? undefined : { name, value: node.initializer }
  }
  if (ts.isPropertyAssignment(node)) {
    const name = propertyName(node.name)
    return name === undefined ? undefined : { name, value: node.initializer }
  }
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return undefined
  const { left, right } = node
  if (ts.isIdentifier(left)) return { name: left.text, value: right }
  return ts.isPropertyAccessExpression(left) ? { name: left.name.text, value: right } : undefined
}

function looksRandom(text: string): boolean {
  if (text.length < minLength || placeholder.test(text) || !/^[\w+/=.~-]+$/.test(text)) return false
  return /\d/.test(text) && /[A-Za-z]/.test(text) && entropy(text) >= minEntropy
}

function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  return [...counts.values()].reduce((bits, count) => bits - (count / text.length) * Math.log2(count / text.length), 0)
}

/** Constant texts, with those that are put together from parts. */
function texts(source: SourceText, values: Values): { node: ts.Node; text: string }[] {
  const kinds = ts.SyntaxKind
  const nodes = source.nodesOf(kinds.StringLiteral, kinds.NoSubstitutionTemplateLiteral, kinds.TemplateExpression, kinds.BinaryExpression)
  return nodes.flatMap((node) => {
    if (
      !ts.isExpression(node) ||
      (ts.isBinaryExpression(node) && (node.operatorToken.kind !== kinds.PlusToken || ts.isBinaryExpression(node.parent)))
    )
      return []
    const value = values.of(node)
    const text =
      value.kind === 'constant' && typeof value.value === 'string' ? value.value : ts.isTemplateExpression(node) ? node.getText(source.ast) : ''
    return text.length < minLength ? [] : [{ node, text }]
  })
}
