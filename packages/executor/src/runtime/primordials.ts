/**
 * What the runtime needs of the language, taken before user code runs. Functions share this realm with the runtime:
 * `JSON.stringify = …` or a getter on `Object.prototype` must neither break nor forge what goes through the pipe, so
 * nothing here is looked up again later.
 */
const { apply } = Reflect

type Method<This, Arguments extends unknown[], Result> = (this: This, ...values: Arguments) => Result

/** Turns a method into a function that takes `this` first, independent of later changes of prototypes. */
export function uncurryThis<This, Arguments extends unknown[], Result>(
  method: Method<This, Arguments, Result>,
): (self: This, ...values: Arguments) => Result {
  return (self, ...values) => apply(method, self, values)
}

export const jsonParse = JSON.parse
export const jsonStringify = JSON.stringify
export const objectFreeze = Object.freeze
export const objectKeys = Object.keys
export const objectHasOwn = Object.hasOwn
const { defineProperty } = Object
export const { getOwnPropertyDescriptor: getOwnDescriptor } = Object
/** Defines an own, writable property whatever stands on Object.prototype: setters of that name, or `get` and `set` in descriptors. */
export function defineValue<T extends object>(object: T, key: PropertyKey, value: unknown, enumerable = false): T {
  return defineProperty(object, key, { __proto__: null, value, enumerable, writable: true, configurable: true } as PropertyDescriptor)
}
export const isArray = Array.isArray
export const NativeUint8Array = Uint8Array
export const NativePromise = Promise
export const NativeMap = Map
export const NativeError = Error
export const nativeString = String
export const dateNow = Date.now
export const mathMin = Math.min

export const mapGet = uncurryThis(Map.prototype.get) as <K, V>(map: Map<K, V>, key: K) => V | undefined
export const mapSet = uncurryThis(Map.prototype.set) as <K, V>(map: Map<K, V>, key: K, value: V) => unknown
export const mapDelete = uncurryThis(Map.prototype.delete) as <K, V>(map: Map<K, V>, key: K) => boolean
export const mapForEach = uncurryThis(Map.prototype.forEach) as <K, V>(map: Map<K, V>, run: (value: V, key: K) => void) => void
export const weakMapGet = uncurryThis(WeakMap.prototype.get) as <K extends object, V>(map: WeakMap<K, V>, key: K) => V | undefined
export const weakMapSet = uncurryThis(WeakMap.prototype.set) as <K extends object, V>(map: WeakMap<K, V>, key: K, value: V) => unknown

export const stringSlice = uncurryThis(String.prototype.slice)
export const stringIndexOf = uncurryThis(String.prototype.indexOf)
export const charCodeAt = uncurryThis(String.prototype.charCodeAt)
export const promiseThen = uncurryThis(Promise.prototype.then) as <T>(
  promise: Promise<T>,
  done: (value: T) => unknown,
  failed: (reason: unknown) => unknown,
) => Promise<unknown>
export const objectToString: (value: unknown) => string = uncurryThis(Object.prototype.toString)

const mapSizeGetter = Object.getOwnPropertyDescriptor(Map.prototype, 'size')?.get
export const mapSize = uncurryThis(mapSizeGetter as (this: ReadonlyMap<unknown, unknown>) => number)

const byteLengthGetter = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')?.get
/** Length of an ArrayBuffer. */
export const arrayBufferLength = uncurryThis(byteLengthGetter as (this: ArrayBuffer) => number)
export const typedArraySet = uncurryThis(Uint8Array.prototype.set) as (target: Uint8Array, source: Uint8Array, offset: number) => void

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype)
function typedArrayGetter(name: string): (view: Uint8Array) => unknown {
  return uncurryThis(Object.getOwnPropertyDescriptor(typedArrayPrototype, name)?.get as (this: Uint8Array) => unknown)
}
/** Length of a byte array. */
export const bytesLength = typedArrayGetter('byteLength') as (view: Uint8Array) => number

export const NativeArrayBuffer = ArrayBuffer
export const { byteLength: utf8Length } = Buffer
const bufferPrototype = Buffer.prototype as Buffer & {
  utf8Slice(this: Uint8Array, start: number, end: number): string
  base64Slice(this: Uint8Array, start: number, end: number): string
  utf8Write(this: Uint8Array, text: string, offset: number, length: number): number
}
/** Bytes -> text, without looking anything up on the view. */
export const utf8Slice = uncurryThis(bufferPrototype.utf8Slice)
/** Bytes -> base64. */
export const base64Slice = uncurryThis(bufferPrototype.base64Slice)
/** Text -> bytes; returns how many were written. */
export const utf8Write = uncurryThis(bufferPrototype.utf8Write)
