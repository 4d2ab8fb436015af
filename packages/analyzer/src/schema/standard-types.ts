import { ts } from '@ts-morph/common'
import type { Description, Place, Revival } from './description.ts'
import type { JsonSchema } from './json-schema.ts'
import { getLibrary } from './library.ts'

/** Base64 with padding, as `Buffer` writes it; whether the length fits is left to the decoder. */
const base64 = { type: 'string', contentEncoding: 'base64', pattern: '^[A-Za-z0-9+/]*={0,2}$' }

/** Most classes that one extends, one after the other. */
const maxBases = 20

/** The language's own classes. `undefined` for types that are described by their members. */
export function describeStandard(type: ts.Type, place: Place, d: Description): JsonSchema | undefined {
  if ((type.flags & ts.TypeFlags.Object) === 0 || d.checker.isArrayLikeType(type)) return undefined
  const name = standardName(type)
  if (name === 'Date') return revived({ type: 'string', format: 'date-time' }, 'date', d)
  if (name === 'Uint8Array') return revived({ ...base64 }, 'bytes', d)
  if (name === 'Buffer') return revived({ ...base64 }, 'buffer', d)
  const json = d.side === 'output' ? jsonForm(type, d.checker) : undefined
  if (json !== undefined) return d.describe(json, { ...place, depth: place.depth + 1 })
  if (extendsLibrary(type, d.checker)) return d.leaveOut(type, place)
  if (name === undefined || name === 'Object') return undefined
  // An interface of the library with nothing but data, `PropertyDescriptor` for example, is like one of the user's; JSON carries little
  // of what classes like `Error` have.
  const members = d.checker.getPropertiesOfType(type)
  const isData = !isClass(type) && members.length > 0 && members.every((one) => d.checker.getTypeOfSymbol(one).getCallSignatures().length === 0)
  return isData ? undefined : d.leaveOut(type, place)
}

/** Whether there is a constructor of that name. */
function isClass({ symbol }: ts.Type): boolean {
  return (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Variable)) !== 0
}

/** `class Missing extends Error`, `interface Stamp extends Date`. */
function extendsLibrary(type: ts.Type, checker: ts.TypeChecker, depth = 0): boolean {
  if (!type.isClassOrInterface() || depth > maxBases) return false
  return checker.getBaseTypes(type).some((base) => (standardName(base) !== undefined && isClass(base)) || extendsLibrary(base, checker, depth + 1))
}

/** The name of a class or interface of the library. */
function standardName(type: ts.Type): string | undefined {
  const { symbol } = type
  if (symbol === undefined || (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) === 0) return undefined
  const library = getLibrary()
  return symbol.declarations?.some((one) => library.isStandard(one)) === true ? symbol.name : undefined
}

/** What a `toJSON` method gives: that is what leaves the function. */
function jsonForm(type: ts.Type, checker: ts.TypeChecker): ts.Type | undefined {
  const method = type.getProperty('toJSON')
  const signature = method === undefined ? undefined : checker.getTypeOfSymbol(method).getCallSignatures()[0]
  return signature?.getReturnType()
}

function revived(schema: JsonSchema, revival: Revival, d: Description): JsonSchema {
  d.revivals.set(schema, revival)
  return schema
}
