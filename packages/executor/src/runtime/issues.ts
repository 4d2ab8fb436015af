import type { ValidatorError } from '@cordon/contracts'
import { isArray, jsonStringify, nativeString, objectHasOwn, objectKeys, stringSlice } from './primordials.ts'

/** Most places that one failure names, and the longest text about each, in characters. */
const maxIssues = 20
const maxText = 200
/** Most values of an enumeration, or alternatives of a union, that are named. */
const maxNamed = 6

type Schema = Readonly<Record<string, unknown>>

/** The mismatches that a validator found, as a JSON list of contracts' `Issue`. */
export function describeIssues(errors: readonly ValidatorError[] | null | undefined): string {
  const found = collapseUnions(errors ?? [])
  let list = ''
  for (let index = 0; index < found.length && index < maxIssues; index++) {
    const error = found[index]
    if (error !== undefined) list += (index === 0 ? '' : ',') + describe(error)
  }
  return `[${list}]`
}

/** The list for a value that is missing altogether. */
export function describeMissing(what: string): string {
  return `[{"path":"","expected":"${what}","got":"nothing"}]`
}

/**
 * A union reports every alternative that did not fit, then itself. Told is the union as a whole; or, when the value is of the kind
 * of one alternative only, what is wrong with it as that one.
 */
function collapseUnions(errors: readonly ValidatorError[]): ValidatorError[] {
  const kept: ValidatorError[] = []
  for (let index = 0; index < errors.length; index++) {
    const error = errors[index]
    if (error === undefined) continue
    if ((error.keyword === 'anyOf' || error.keyword === 'oneOf') && error.params['tag'] === undefined) {
      let from = kept.length
      while (from > 0 && isWithin(kept[from - 1]?.instancePath, error.instancePath)) from--
      const nearest = takeNearest(kept, from, error)
      kept.length = from
      for (let at = 0; at < nearest.length; at++) kept[kept.length] = nearest[at] ?? error
    } else kept[kept.length] = error
  }
  return kept
}

function takeNearest(errors: readonly ValidatorError[], from: number, union: ValidatorError): ValidatorError[] {
  const nearest: ValidatorError[] = []
  let otherKinds = 0
  for (let at = from; at < errors.length; at++) {
    const error = errors[at]
    if (error === undefined) continue
    const isOtherKind =
      error.instancePath === union.instancePath && (error.keyword === 'type' || error.keyword === 'const' || error.keyword === 'enum')
    if (isOtherKind) otherKinds++
    else nearest[nearest.length] = error
  }
  const alternatives = (union.parentSchema as Schema)[union.keyword]
  const isOne = isArray(alternatives) && alternatives.length - otherKinds === 1 && nearest.length > 0
  return isOne ? nearest : [union]
}

function isWithin(path: string | undefined, parent: string): boolean {
  return path !== undefined && (path === parent || stringSlice(path, 0, parent.length + 1) === `${parent}/`)
}

function describe(error: ValidatorError): string {
  const { keyword, params } = error
  const schema = error.parentSchema as Schema
  if (keyword === 'required') {
    const name = nativeString(params['missingProperty'])
    const properties = schema['properties'] as Schema | undefined
    const known = properties !== undefined && objectHasOwn(properties, name) ? properties[name] : undefined
    return issue(`${error.instancePath}/${name}`, expectedOf(known), 'nothing')
  }
  const { tag, values } = params
  // The property that tells the alternatives of a union apart.
  if (typeof tag === 'string' && isArray(values)) {
    const object = error.data as Schema
    return issue(`${error.instancePath}/${tag}`, join(values, json), kindOf(objectHasOwn(object, tag) ? object[tag] : undefined))
  }
  if (keyword === 'additionalProperties')
    return issue(`${error.instancePath}/${nativeString(params['additionalProperty'])}`, 'no such property', 'one')
  return issue(error.instancePath, expectedBy(keyword, params, schema), kindOf(error.data))
}

function issue(path: string, expected: string, got: string): string {
  return `{"path":${jsonStringify(stringSlice(path, 0, maxText))},"expected":${jsonStringify(stringSlice(expected, 0, maxText))},"got":${jsonStringify(got)}}`
}

/** What a keyword asks for. */
function expectedBy(keyword: string, params: Schema, schema: Schema): string {
  const limit = nativeString(params['limit'])
  switch (keyword) {
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `number ${nativeString(params['comparison'])} ${limit}`
    case 'multipleOf':
      return `multiple of ${nativeString(params['multipleOf'])}`
    case 'minLength':
      return `string of length >= ${limit}`
    case 'maxLength':
      return `string of length <= ${limit}`
    case 'minItems':
      return `array of length >= ${limit}`
    case 'maxItems':
      return `array of length <= ${limit}`
    case 'minProperties':
      return `object with >= ${limit} properties`
    case 'maxProperties':
      return `object with <= ${limit} properties`
    case 'uniqueItems':
      return 'array whose items all differ'
    case 'pattern':
      return schema['contentEncoding'] === 'base64' ? 'string in base64' : `string that matches ${nativeString(schema['pattern'])}`
    case 'format':
    case 'type':
    case 'const':
    case 'enum':
    case 'anyOf':
    case 'oneOf':
      return expectedOf(schema)
    default:
      return `value that satisfies "${keyword}"`
  }
}

/** What a schema describes, in a few words. */
function expectedOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return 'a value'
  const schema = value as Schema
  if (typeof schema['$ref'] === 'string') return stringSlice(schema['$ref'], '#/$defs/'.length)
  if (objectHasOwn(schema, 'const')) return json(schema['const'])
  if (isArray(schema['enum'])) return join(schema['enum'], json)
  const union = schema['anyOf'] ?? schema['oneOf']
  if (isArray(union)) return join(union, expectedOf)
  if (schema['contentEncoding'] === 'base64') return 'string in base64'
  const { type, format } = schema
  if (isArray(type)) return join(type, nativeString)
  if (typeof type !== 'string') return 'a value'
  return typeof format === 'string' ? `${type} in the format ${format}` : type
}

function json(value: unknown): string {
  return stringSlice(jsonStringify(value) ?? '', 0, maxText)
}

function join(list: readonly unknown[], show: (value: unknown) => string): string {
  let text = ''
  for (let index = 0; index < list.length; index++) {
    if (index === maxNamed) return `${text} or others`
    text += (index === 0 ? '' : ' or ') + show(list[index])
  }
  return text
}

/** What kind of value there was. Its text stays here: errors are kept in records. */
function kindOf(data: unknown): string {
  if (data === undefined) return 'nothing'
  if (data === null) return 'null'
  if (typeof data === 'string') return `string of length ${data.length}`
  if (typeof data === 'number' || typeof data === 'boolean') return `${typeof data} ${data}`
  if (isArray(data)) return `array of length ${data.length}`
  return typeof data === 'object' && objectKeys(data).length === 0 ? 'empty object' : typeof data
}
