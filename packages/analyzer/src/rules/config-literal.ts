import { functionConfigTable, isRecord, PlatformError } from '@cordon/contracts'
import { ts } from '@ts-morph/common'
import { readLiteral, type LiteralProblem } from '../source/config-literal.ts'
import { findConfigExport } from '../source/exports.ts'
import type { SourceText } from '../source/source-text.ts'
import { propertyName, unwrap } from '../source/syntax.ts'
import type { Rule } from './rule.ts'

/** `export const config` is a literal, and its values are in range. */
export const configLiteral: Rule = {
  id: 'config-literal',
  severity: 'error',
  summary: 'config is a literal that can be read without running it, and every value is in range.',
  check({ source, isEntry, report }) {
    if (!isEntry) return
    for (const { node, message } of readConfig(source).problems) report(node, message)
  },
}

/** `export const config` has no key that the platform does not know. */
export const configKeys: Rule = {
  id: 'config-keys',
  severity: 'warn',
  summary: 'config has no key that the platform does not know.',
  check({ source, isEntry, report }) {
    if (!isEntry) return
    const known = Object.keys(functionConfigTable)
    for (const { key, node } of readConfig(source).unknown) {
      report(node, `config has the key "${key}", which has no meaning. Use one of ${known.join(', ')}.`)
    }
  },
}

/** What `export const config` says: the keys that are known and fit, and what is wrong with the others. */
export interface ConfigReading {
  readonly values: Readonly<Record<string, unknown>>
  readonly problems: readonly LiteralProblem[]
  readonly unknown: readonly { readonly key: string; readonly node: ts.Node }[]
}

/** Reads `export const config` of the entry file. */
export function readConfig(source: SourceText): ConfigReading {
  const found = findConfigExport(source.ast)
  if (found === undefined) return { values: {}, problems: [], unknown: [] }
  const value = found.value === undefined ? undefined : unwrap(found.value)
  if (value === undefined || !ts.isObjectLiteralExpression(value)) {
    return {
      values: {},
      problems: [{ node: found.node, message: 'config is not an object literal. Write `export const config = { … }` with plain values.' }],
      unknown: [],
    }
  }
  const problems: LiteralProblem[] = []
  const literal = readLiteral(value, problems)
  const values: Record<string, unknown> = {}
  const unknown: { key: string; node: ts.Node }[] = []
  for (const [key, one] of Object.entries(isRecord(literal) ? literal : {})) {
    const node = propertyNode(value, key)
    if (!Object.hasOwn(functionConfigTable, key)) {
      unknown.push({ key, node })
    } else if (one !== undefined) {
      const problem = checkValue(key, one)
      if (problem === undefined) values[key] = one
      else problems.push({ node, message: problem })
    }
  }
  return { values, problems, unknown }
}

function checkValue(key: string, value: unknown): string | undefined {
  const row = new Map<string, { parse(value: unknown, path: string): unknown }>(Object.entries(functionConfigTable)).get(key)
  try {
    row?.parse(value, `config.${key}`)
    return undefined
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error
    const expected = typeof error.details['expected'] === 'string' ? error.details['expected'] : 'another value'
    return `${String(error.details['option'] ?? `config.${key}`)} has a value that does not fit. Write ${expected}.`
  }
}

function propertyNode(object: ts.ObjectLiteralExpression, key: string): ts.Node {
  const found = object.properties.find((one) => one.name !== undefined && propertyName(one.name) === key)
  return found !== undefined && ts.isPropertyAssignment(found) ? found.initializer : (found ?? object)
}
