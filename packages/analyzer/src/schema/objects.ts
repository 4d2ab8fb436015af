import { ts } from '@ts-morph/common'
import type { Description, Place } from './description.ts'
import { withDocs } from './doc-tags.ts'
import type { JsonSchema } from './json-schema.ts'
import { isNothing, isOptional } from './optional.ts'
import { reportAny } from './unknown-types.ts'
import { templatePattern } from './template-pattern.ts'

/** Most members of one object. */
const maxMembers = 1000
/** Names of members that JavaScript takes for numbers. */
const numberKey = String.raw`^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]\d+)?$`

/** Interfaces, classes, records, mapped types and intersections of objects: members by name, and by kind of name. */
export function describeObject(type: ts.Type, place: Place, d: Description): JsonSchema {
  if (type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0) return d.leaveOut(type, place)
  const members = type.getProperties()
  if (members.length > maxMembers) return d.leaveOut(type, place, `which has more than ${maxMembers} members`)
  const properties: [string, JsonSchema][] = []
  const required: string[] = []
  for (const member of members) {
    const memberType = d.checker.getTypeOfSymbol(member)
    const node = declarationOf(member) ?? place.node
    const inner: Place = { path: `${place.path}${memberPath(member.name)}`, node, depth: place.depth + 1 }
    // What only a class itself can reach, or has on its prototype, is not written as JSON.
    // Symbols are no keys of JSON, and neither is a name that every object would take for its prototype.
    if (isPrivateName(member) || (d.side === 'output' && isComputedByClass(member))) continue
    if (member.name.startsWith('__@') || member.name === '__proto__') {
      d.leaveOut(memberType, inner, 'under a name that JSON data cannot have')
      continue
    }
    // A method is not data: the object is described without it.
    if (isMethod(member, memberType)) {
      if (d.side === 'input') d.leaveOut(memberType, inner, 'which JSON cannot carry')
      continue
    }
    if (isNothing(memberType)) continue
    reportAny(memberType, member.valueDeclaration, inner, d)
    properties.push([member.name, withDocs(d.describe(memberType, inner), member, d)])
    if ((member.flags & ts.SymbolFlags.Optional) === 0 && !isOptional(memberType)) required.push(member.name)
  }
  const closed = isClosed(type.aliasSymbol, d.checker) || isClosed(type.symbol, d.checker) ? { additionalProperties: false } : {}
  return { ...objectSchema(properties, required), ...closed, ...describeIndexes(type, place, d) }
}

function objectSchema(properties: readonly [string, JsonSchema][], required: readonly string[]): JsonSchema {
  return {
    type: 'object',
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(required.length === 0 ? {} : { required }),
  }
}

/** `Record<string, T>`, `{ [key: number]: T }`, ``{ [key: `x-${string}`]: T }``. */
function describeIndexes(type: ts.Type, place: Place, d: Description): JsonSchema {
  const patterns: [string, JsonSchema][] = []
  let additional: JsonSchema | undefined
  for (const info of d.checker.getIndexInfosOfType(type)) {
    const inner: Place = { ...place, path: `${place.path}[…]`, depth: place.depth + 1 }
    const { flags } = info.keyType
    if ((flags & ts.TypeFlags.ESSymbolLike) !== 0) continue
    const pattern = (flags & ts.TypeFlags.Number) !== 0 ? numberKey : templatePattern(info.keyType)
    const schema = d.describe(info.type, inner)
    if ((flags & ts.TypeFlags.String) !== 0) additional = schema
    else if (pattern === undefined) d.leaveOut(info.keyType, inner)
    else patterns.push([pattern, schema])
  }
  return {
    ...(patterns.length === 0 ? {} : { patternProperties: Object.fromEntries(patterns) }),
    ...(additional === undefined || Object.keys(additional).length === 0 ? {} : { additionalProperties: additional }),
  }
}

/** `#name`, in a class. */
function isPrivateName(member: ts.Symbol): boolean {
  const declaration = member.valueDeclaration
  const name = declaration === undefined ? undefined : ts.getNameOfDeclaration(declaration)
  return name !== undefined && ts.isPrivateIdentifier(name)
}

/** `get name() { … }`, in a class. */
function isComputedByClass(member: ts.Symbol): boolean {
  const declaration = member.valueDeclaration
  return declaration !== undefined && ts.isAccessor(declaration) && ts.isClassLike(declaration.parent)
}

/** Whether the user wrote `@additionalProperties false`; an object may have more members than are named otherwise, as in TypeScript. */
function isClosed(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): boolean {
  const tags = symbol?.getJsDocTags(checker) ?? []
  return tags.some((tag) => tag.name === 'additionalProperties' && ts.displayPartsToString(tag.text).trim() === 'false')
}

function isMethod(member: ts.Symbol, type: ts.Type): boolean {
  return (member.flags & ts.SymbolFlags.Method) !== 0 || (type.getCallSignatures().length > 0 && type.getProperties().length === 0)
}

function declarationOf(member: ts.Symbol): ts.Node | undefined {
  const declaration = member.valueDeclaration ?? member.declarations?.[0]
  return declaration === undefined ? undefined : (ts.getNameOfDeclaration(declaration) ?? declaration)
}

function memberPath(name: string): string {
  if (name.startsWith('__@')) return '[symbol]'
  return /^[\w$]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name.slice(0, 60))}]`
}
