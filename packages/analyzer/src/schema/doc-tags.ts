import { ts } from '@ts-morph/common'
import { withoutBrand } from './brands.ts'
import type { Description } from './description.ts'
import type { JsonSchema } from './json-schema.ts'

/** Longest description in characters; more is documentation, not a hint. */
const maxDescription = 1000
/** Most hops from an alias to the alias that it names. */
const maxAliases = 5

/** What keywords are about. A tag about another kind of value says nothing. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength', 'pattern', 'format', 'contentEncoding', 'contentMediaType'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'asType'],
  array: ['minItems', 'maxItems', 'uniqueItems'],
  object: ['minProperties', 'maxProperties'],
}

type ReadTag = (text: string) => unknown

/** The tags that are keywords, and how their text is read; `undefined` when it does not fit. */
const tags: ReadonlyMap<string, ReadTag> = new Map<string, ReadTag>([
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].map((name): [string, ReadTag] => [name, number]),
  ['multipleOf', (text) => ((number(text) ?? 0) > 0 ? number(text) : undefined)],
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'].map((name): [string, ReadTag] => [name, count]),
  ...['uniqueItems', 'deprecated', 'readOnly', 'writeOnly'].map((name): [string, ReadTag] => [name, flag]),
  ['pattern', pattern],
  ['format', word],
  ['contentEncoding', word],
  ['contentMediaType', (text) => (/^[\w.+-]+\/[\w.+-]+$/.test(text) ? text : undefined)],
  ['description', (text) => (text === '' ? undefined : text.slice(0, maxDescription))],
  ['asType', (text) => (text === 'integer' ? text : undefined)],
  ['title', (text) => (text === '' ? undefined : text)],
  ['default', json],
])

/** Adds what the documentation of a declaration says about a value to its schema. */
export function withDocs(schema: JsonSchema, symbol: ts.Symbol | undefined, d: Description): JsonSchema {
  if (symbol === undefined) return schema
  const { asType, ...docs } = describeSymbol(symbol, d)
  const integer = asType !== undefined && schema['type'] === 'number' ? { type: 'integer' } : {}
  for (const keyword of Object.keys(docs)) {
    if (!saysNothing(keyword, schema['type'])) continue
    Reflect.deleteProperty(docs, keyword)
    reportTag(symbol, `@${keyword} of "${symbol.name}" says nothing about a value of its type. Take it away, or put it where the value is`, d)
  }
  const described = { ...schema, ...integer, ...docs }
  const mark = d.revivals.get(schema)
  if (mark !== undefined) d.revivals.set(described, mark)
  return described
}

/** Whether a keyword is about other values than those of a type. */
function saysNothing(keyword: string, type: unknown): boolean {
  const own: unknown[] = Array.isArray(type) ? type : [type]
  const kind = Object.keys(kinds).find((one) => kinds[one]?.includes(keyword) === true)
  return type !== undefined && kind !== undefined && !own.includes(kind)
}

function reportTag(symbol: ts.Symbol, message: string, d: Description): void {
  const node = symbol.valueDeclaration ?? symbol.declarations?.[0]
  if (node !== undefined) d.problems.push({ node, message: `The tag ${message}; it is left out.` })
}

/** The documentation of a declaration as keywords: its text is the description, its standard tags are constraints. */
function describeSymbol(symbol: ts.Symbol, d: Description): JsonSchema {
  const schema: JsonSchema = {}
  // What an alias of a primitive says holds where it is used: the compiler itself forgets such names.
  for (const alias of aliasesOf(symbol, d.checker)) Object.assign(schema, readTags(alias, d))
  const description = ts.displayPartsToString(symbol.getDocumentationComment(d.checker)).trim()
  return { ...(description === '' ? {} : { description: description.slice(0, maxDescription) }), ...schema, ...readTags(symbol, d) }
}

function readTags(symbol: ts.Symbol, d: Description): JsonSchema {
  const schema: JsonSchema = {}
  const examples: unknown[] = []
  for (const tag of symbol.getJsDocTags(d.checker)) {
    const text = ts.displayPartsToString(tag.text).trim()
    if (tag.name === 'example' || tag.name === 'examples') examples.push(json(text) ?? text)
    const read = tags.get(tag.name)
    if (read === undefined) continue
    const value = read(text)
    if (value !== undefined) schema[tag.name] = value
    else reportTag(symbol, `@${tag.name} of "${symbol.name}" has the value "${text.slice(0, 60)}", which does not fit. Correct it`, d)
  }
  return examples.length === 0 ? schema : { ...schema, examples }
}

/** The aliases that the declared type of a property names, the one that is furthest away first. */
function aliasesOf(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol[] {
  const found: ts.Symbol[] = []
  let declaration: ts.Node | undefined = symbol.valueDeclaration
  while (declaration !== undefined && found.length < maxAliases) {
    const node: ts.TypeNode | undefined = typeNodeOf(declaration)
    if (node === undefined || !ts.isTypeReferenceNode(node)) break
    const alias = resolveAlias(checker.getSymbolAtLocation(node.typeName), checker)
    const next: ts.Declaration | undefined = alias?.declarations?.find(ts.isTypeAliasDeclaration)
    if (alias === undefined || next === undefined) break
    if ((withoutBrand(checker.getDeclaredTypeOfSymbol(alias)).flags & ts.TypeFlags.StructuredType) !== 0) break
    found.unshift(alias)
    declaration = next
  }
  return found
}

function typeNodeOf(declaration: ts.Node): ts.TypeNode | undefined {
  const isTyped =
    ts.isPropertySignature(declaration) ||
    ts.isPropertyDeclaration(declaration) ||
    ts.isParameter(declaration) ||
    ts.isTypeAliasDeclaration(declaration)
  return isTyped ? declaration.type : undefined
}

function resolveAlias(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): ts.Symbol | undefined {
  return symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(symbol) : symbol
}

function number(text: string): number | undefined {
  const value = Number(text)
  return text !== '' && Number.isFinite(value) ? value : undefined
}

function count(text: string): number | undefined {
  const value = number(text)
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function word(text: string): string | undefined {
  return /^[\w-]+$/.test(text) ? text : undefined
}

function flag(text: string): boolean {
  return text !== 'false'
}

function pattern(text: string): string | undefined {
  // An expression of JSON Schema has no slashes around it; with them it would fit nothing.
  if (/^\/\^.*\/[a-z]*$/.test(text)) return undefined
  try {
    void new RegExp(text, 'u')
    return text === '' ? undefined : text
  } catch {
    return undefined
  }
}

function json(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    // A bare word is a text, as people write it: `@default red`.
    return text === '' ? undefined : text
  }
}
