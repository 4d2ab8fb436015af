/**
 * Headers that become real ones when somebody needs more than to read them. Node's own take 5 µs for the handful of a usual request, and every
 * walk through them sorts them (measured on Node 20).
 */
export class LateHeaders implements Headers {
  readonly #values: Readonly<Record<string, string>>
  readonly #make: () => Headers
  #real: Headers | undefined

  /** `values` by name in lower case; `make` gives the same as real headers, and may throw for what cannot be sent. */
  constructor(values: Readonly<Record<string, string>>, make: () => Headers) {
    this.#values = values
    this.#make = make
  }

  /** Real headers; from now on this is a view of them. */
  get real(): Headers {
    return (this.#real ??= this.#make())
  }

  /** The values as they were given, unless somebody may have changed them. */
  get untouched(): Readonly<Record<string, string>> | undefined {
    return this.#real === undefined ? this.#values : undefined
  }

  get(name: string): string | null {
    if (this.#real !== undefined) return this.#real.get(name)
    const key = name.toLowerCase()
    return Object.hasOwn(this.#values, key) ? (this.#values[key] ?? null) : null
  }

  has(name: string): boolean {
    return this.#real === undefined ? Object.hasOwn(this.#values, name.toLowerCase()) : this.#real.has(name)
  }

  append(name: string, value: string): void {
    this.real.append(name, value)
  }

  delete(name: string): void {
    this.real.delete(name)
  }

  set(name: string, value: string): void {
    this.real.set(name, value)
  }

  getSetCookie(): string[] {
    return this.has('set-cookie') ? this.real.getSetCookie() : []
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, thisArgument?: unknown): void {
    for (const [name, value] of this) callback.call(thisArgument, value, name, this)
  }

  keys() {
    return this.real.keys()
  }

  values() {
    return this.real.values()
  }

  entries() {
    return this.real.entries()
  }

  [Symbol.iterator]() {
    return this.real[Symbol.iterator]()
  }
}
