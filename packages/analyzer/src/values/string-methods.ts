import { constant, unknown, type Value } from './value.ts'

/** Longest text that folding builds, in characters: longer ones are no names. */
const maxLength = 10_000

/** Methods of constant strings and lists that are folded when every argument is a constant. */
export function callMethod(receiver: Value, name: string, values: readonly Value[]): Value {
  const given = values.map((one) => (one.kind === 'constant' ? one.value : undefined))
  if (receiver.kind === 'list') return callListMethod(receiver.items, name, given)
  if (receiver.kind !== 'constant') return unknown
  if (typeof receiver.value === 'number') return name === 'toString' ? constant(receiver.value.toString(radix(given[0]))) : unknown
  if (typeof receiver.value !== 'string' || values.some((one) => one.kind !== 'constant')) return unknown
  return callStringMethod(receiver.value, name, given)
}

function callListMethod(items: readonly Value[], name: string, given: readonly unknown[]): Value {
  if (name === 'reverse' || name === 'toReversed') return { kind: 'list', items: items.toReversed() }
  if (name === 'at' && typeof given[0] === 'number') return items.at(given[0]) ?? unknown
  if (name === 'pop') return items.at(-1) ?? unknown
  if (name === 'shift') return items[0] ?? unknown
  if (name !== 'join') return unknown
  const parts = items.map((one) => (one.kind === 'constant' ? String(one.value ?? '') : undefined))
  return parts.every((one) => one !== undefined) ? limited(parts.join(given.length === 0 ? ',' : String(given[0]))) : unknown
}

function callStringMethod(text: string, name: string, given: readonly unknown[]): Value {
  const words = given.map(String)
  const numbers = given.map((one) => (one === undefined ? undefined : Number(one)))
  const [first = '', second = ''] = words
  switch (name) {
    case 'concat':
      return limited(text + words.join(''))
    case 'split':
      return { kind: 'list', items: (given.length === 0 ? [text] : text.slice(0, maxLength).split(first)).map(constant) }
    case 'replace':
      return limited(text.replace(first, () => second))
    case 'replaceAll':
      return limited(text.replaceAll(first, () => second))
    case 'slice':
      return constant(text.slice(numbers[0], numbers[1]))
    case 'substring':
      return constant(text.substring(numbers[0] ?? 0, numbers[1]))
    case 'substr':
      return constant(text.slice(numbers[0], numbers[1] === undefined ? undefined : (numbers[0] ?? 0) + numbers[1]))
    case 'charAt':
    case 'at':
      return constant(text.at(numbers[0] ?? 0))
    case 'charCodeAt':
    case 'codePointAt':
      return constant(text.charCodeAt(numbers[0] ?? 0))
    case 'toLowerCase':
      return constant(text.toLowerCase())
    case 'toUpperCase':
      return constant(text.toUpperCase())
    case 'trim':
      return constant(text.trim())
    case 'normalize':
      return constant(text.normalize('NFKC'))
    case 'repeat':
      return text.length * (numbers[0] ?? 0) <= maxLength ? constant(text.repeat(Math.max(0, numbers[0] ?? 0))) : unknown
    case 'toString':
    case 'valueOf':
      return constant(text)
    default:
      return unknown
  }
}

/** Joins two constants as `+` does; `undefined` for what is too long to be a name. */
export function addConstants(left: Value, right: Value): Value {
  if (left.kind !== 'constant' || right.kind !== 'constant') return unknown
  if (typeof left.value === 'number' && typeof right.value === 'number') return constant(left.value + right.value)
  return limited(String(left.value) + String(right.value))
}

/** Global functions that turn constants into text. */
export function callDecoder(path: string, values: readonly Value[]): Value {
  const given = values.map((one) => (one.kind === 'constant' ? one.value : undefined))
  const first = given[0]
  if (path === 'String.fromCharCode' || path === 'String.fromCodePoint') {
    const codes = given.filter((one) => typeof one === 'number' && one >= 0 && one <= 0x10ffff)
    return codes.length === values.length ? constant(String.fromCodePoint(...codes.map(Number))) : unknown
  }
  if (path === 'String' && first !== undefined) return constant(String(first))
  if (typeof first !== 'string' || first.length > maxLength) return unknown
  if (path === 'parseInt') return constant(Number.parseInt(first, radix(given[1])))
  if (path === 'atob') return constant(Buffer.from(first, 'base64').toString('latin1'))
  if (path === 'Buffer.from') return constant(Buffer.from(first, encodingOf(given[1])).toString())
  if (path === 'decodeURIComponent' || path === 'decodeURI' || path === 'unescape') return decode(first)
  return unknown
}

function decode(text: string): Value {
  try {
    return constant(decodeURIComponent(text))
  } catch {
    return unknown
  }
}

function encodingOf(value: unknown): BufferEncoding {
  return typeof value === 'string' && Buffer.isEncoding(value) ? value : 'utf8'
}

function radix(value: unknown): number {
  return typeof value === 'number' && value >= 2 && value <= 36 ? value : 10
}

function limited(text: string): Value {
  return text.length <= maxLength ? constant(text) : unknown
}
