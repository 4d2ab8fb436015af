import { jsonStringify, nativeString, stringSlice } from './primordials.ts'

/** Longest name, message and stack of an error that leave the sandbox, in characters, and how many causes. */
const maxName = 200
const maxMessage = 8000
const maxStack = 8000
const maxCauses = 5

/** What a thrown value says about itself. Never throws: the value may be a proxy or have getters that do. */
export function describeError(thrown: unknown): string {
  return describe(thrown, 0)
}

function describe(thrown: unknown, depth: number): string {
  const isObject = (typeof thrown === 'object' && thrown !== null) || typeof thrown === 'function'
  const name = isObject ? text(read(thrown, 'name'), maxName, 'Error') : 'Error'
  const message = isObject
    ? text(read(thrown, 'message'), maxMessage, '')
    : `${typeof thrown === 'string' ? '' : 'a value was thrown that is not an Error: '}${primitive(thrown)}`
  const stack = isObject ? text(read(thrown, 'stack'), maxStack, '') : ''
  const code = isObject ? text(read(thrown, 'code'), maxName, '') : ''
  let json = `{"name":${jsonStringify(name)},"message":${jsonStringify(stringSlice(message, 0, maxMessage))},"stack":${jsonStringify(stack)}`
  if (code !== '') json += `,"code":${jsonStringify(code)}`
  if (isObject && depth < maxCauses) {
    const cause = read(thrown, 'cause')
    if (cause !== undefined) json += `,"cause":${describe(cause, depth + 1)}`
  }
  return json + '}'
}

function read(object: unknown, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function text(value: unknown, max: number, otherwise: string): string {
  return typeof value === 'string' ? stringSlice(value, 0, max) : otherwise
}

function primitive(value: unknown): string {
  try {
    return nativeString(value)
  } catch {
    return typeof value
  }
}
