import { ts } from '@ts-morph/common'
import { Definitions } from './definitions.ts'
import { describeArray, describeTuple } from './arrays.ts'
import type { Description, Place, Revival, TypeProblem } from './description.ts'
import { withDocs } from './doc-tags.ts'
import { dialect, SchemaLimit, type JsonSchema } from './json-schema.ts'
import { reportAny } from './unknown-types.ts'
import { describeObject } from './objects.ts'
import { isOptional, nullable } from './optional.ts'
import { describeIntersection } from './intersections.ts'
import { describeStandard } from './standard-types.ts'
import { templatePattern } from './template-pattern.ts'
import { describeUnion } from './unions.ts'

/** Deepest nesting of a type. Generics that refer to an ever larger self end here. */
const maxDepth = 60
/** Largest schema of one side in characters of JSON, as for a configuration: it is kept in memory with its version. */
const maxLength = 100_000

/** The schema of a type, what of it is revived, and what of it could not be described. */
export interface TypeSchema {
  /** `undefined` when nothing is known about the value. */
  readonly schema: JsonSchema | undefined
  readonly revivals: WeakMap<JsonSchema, Revival>
  readonly problems: readonly TypeProblem[]
}

/** Describes the type of one side of a handler. Never throws because of the type: what is too large is left unvalidated. */
export function describeType(type: ts.Type, side: 'input' | 'output', node: ts.Node, checker: ts.TypeChecker, docs: JsonSchema = {}): TypeSchema {
  const revivals = new WeakMap<JsonSchema, Revival>()
  const problems: TypeProblem[] = []
  const d: Description = {
    side,
    checker,
    revivals,
    problems,
    definitions: new Definitions(revivals),
    describe: (inner, place) => describe(inner, place, d),
    leaveOut(inner, place, reason = 'which JSON Schema cannot describe') {
      const shown = shorten(typeof inner === 'string' ? inner : checker.typeToString(inner, undefined, ts.TypeFormatFlags.None))
      const message = `${place.path} has the type "${shown}", ${reason}. Use a type that JSON can carry, or leave it: that part is not validated.`
      // One mistake in a generic type would else be told for each use of it.
      if (problems.length < maxProblems && problems.every((one) => one.message !== message)) problems.push({ node: place.node, message, type: shown })
      return {}
    },
  }
  try {
    const place: Place = { path: side, node, depth: 0 }
    reportAny(type, node, place, d)
    const root = d.describe(type, place)
    const schema = d.definitions.finish({ ...root, ...docs })
    if (JSON.stringify(schema).length > maxLength) throw new SchemaLimit(`makes a schema of more than ${maxLength} characters`)
    const saysNothing = Object.keys(schema).every((keyword) => keyword in docs)
    return { schema: saysNothing ? undefined : copyMark({ $schema: dialect, ...schema }, schema, revivals), revivals, problems }
  } catch (error) {
    // The compiler's own recursion on a type ends in a RangeError.
    const reason = error instanceof SchemaLimit ? error.message : error instanceof RangeError ? 'is nested too deeply' : undefined
    if (reason === undefined) throw error
    const message = `The type of ${side} ${reason}. Make it smaller, or give \`config.${side}\` as a JSON Schema; until then ${side} is not validated.`
    return { schema: undefined, revivals, problems: [...problems, { node, message }] }
  }
}

/** Most problems that are reported for one side. */
const maxProblems = 20

function copyMark(to: JsonSchema, from: JsonSchema, revivals: WeakMap<JsonSchema, Revival>): JsonSchema {
  const mark = revivals.get(from)
  if (mark !== undefined) revivals.set(to, mark)
  return to
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

function describe(type: ts.Type, place: Place, d: Description): JsonSchema {
  if (place.depth > maxDepth) throw new SchemaLimit(`is nested deeper than ${maxDepth} levels`)
  const simple = describeSimple(type, place, d)
  if (simple !== undefined) return simple
  if (type.isUnion() && (isOptional(type) || type.types.some(isNull))) return describeNullable(type, place, d)
  if (type.isUnion() && type.types.every(isPrimitive)) return withDocs(describeUnion(type, place, d), type.symbol, d)
  if ((type.flags & ts.TypeFlags.Instantiable) !== 0) return describeInstantiable(type, place, d)
  if (type.isIntersection()) {
    const branded = describeIntersection(type, place, d)
    if (branded !== undefined) return branded
  }
  const standard = describeStandard(type, place, d)
  if (standard !== undefined) return standard
  return d.definitions.refer(type, nameOf(type, d.checker), () => withDocs(describeParts(type, place, d), type.aliasSymbol ?? type.symbol, d))
}

/** A union with `null` or `undefined`. Whoever describes a part says whether it may be missing, so only `null` is left. */
function describeNullable(type: ts.UnionType, place: Place, d: Description): JsonSchema {
  const present = d.checker.getNonNullableType(type)
  if ((present.flags & ts.TypeFlags.Never) !== 0) return { type: 'null' }
  if (!type.types.some(isNull)) return d.describe(present, place)
  const describeBoth = (): JsonSchema => {
    const schema = d.describe(present, place)
    return copyMark(nullable(schema), schema, d.revivals)
  }
  // A name is kept: the type may refer to itself by it.
  const isNamed = type.aliasSymbol !== undefined && !isOptional(type) && !type.types.every(isPrimitive)
  return isNamed ? d.definitions.refer(type, nameOf(type, d.checker), describeBoth) : describeBoth()
}

function isNull(type: ts.Type): boolean {
  return (type.flags & ts.TypeFlags.Null) !== 0
}

function isPrimitive(type: ts.Type): boolean {
  return (type.flags & (ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike | ts.TypeFlags.BooleanLike | ts.TypeFlags.Null)) !== 0
}

/** Types that are written as one keyword or two. */
function describeSimple(type: ts.Type, place: Place, d: Description): JsonSchema | undefined {
  const { flags } = type
  const is = (flag: ts.TypeFlags) => (flags & flag) !== 0
  if (is(ts.TypeFlags.Any)) return type.aliasSymbol === undefined ? {} : d.leaveOut(type, place, 'which is not known here')
  if (is(ts.TypeFlags.Unknown)) return {}
  if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value }
  if (is(ts.TypeFlags.BooleanLiteral)) return { const: d.checker.typeToString(type) === 'true' }
  if (is(ts.TypeFlags.String)) return { type: 'string' }
  if (is(ts.TypeFlags.Number)) return { type: 'number' }
  if (is(ts.TypeFlags.Boolean)) return { type: 'boolean' }
  if (is(ts.TypeFlags.Null)) return { type: 'null' }
  if (is(ts.TypeFlags.Never)) return { not: {} }
  if (is(ts.TypeFlags.NonPrimitive)) return { type: ['object', 'array'] }
  if (is(ts.TypeFlags.TemplateLiteral)) {
    const pattern = templatePattern(type)
    return pattern === undefined ? { ...d.leaveOut(type, place), type: 'string' } : { type: 'string', pattern }
  }
  if (is(ts.TypeFlags.StringMapping)) return { ...d.leaveOut(type, place), type: 'string' }
  // An enum with computed members.
  if (is(ts.TypeFlags.Enum) && !type.isUnion()) return { type: 'number' }
  if (is(ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.BigIntLike | ts.TypeFlags.ESSymbolLike)) return d.leaveOut(type, place)
  return undefined
}

/** A type parameter stands for what it extends; other types that depend on one are not known. */
function describeInstantiable(type: ts.Type, place: Place, d: Description): JsonSchema {
  const constraint = d.checker.getBaseConstraintOfType(type)
  if ((type.flags & ts.TypeFlags.TypeParameter) === 0 || constraint === type) return d.leaveOut(type, place)
  return constraint === undefined ? {} : d.describe(constraint, place)
}

function describeParts(type: ts.Type, place: Place, d: Description): JsonSchema {
  if (type.isUnion()) return describeUnion(type, place, d)
  if (d.checker.isTupleType(type)) return describeTuple(type, place, d)
  if (d.checker.isArrayType(type)) return describeArray(type, place, d)
  return describeObject(type, place, d)
}

/** The name that a type has in the user's code, with its arguments. */
function nameOf(type: ts.Type, checker: ts.TypeChecker): string | undefined {
  const symbol = type.aliasSymbol ?? ((type.symbol?.flags ?? 0) & named ? type.symbol : undefined)
  if (symbol === undefined) return undefined
  if (type.aliasSymbol === undefined && (checker.isArrayType(type) || checker.isTupleType(type))) return undefined
  const shown = checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation)
  return shown.length > 200 ? symbol.name : shown
}

const named = ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.Enum
