/** Names of fields whose values nobody should read in a log. */
const secretName = /^(?:(?:proxy-)?authorization|(?:set-)?cookie|pass(?:word|wd|phrase)|secrets?|secretskey|.*token|api-?_?key|databaseurl)$/i
/** Deeper fields, more of them and longer texts are not logged. */
const maxDepth = 5
const maxFields = 100
const maxLength = 10_000
const redacted = '[redacted]'

/** Takes out of texts and fields what is secret: by the name of the field, by its form (`scheme://user:password@`, `Bearer …`) and by its value. */
export class Redaction {
  readonly #values: readonly string[]

  /** `values`: secrets that the host knows; those of fewer than 4 characters would take too much of everything. */
  constructor(values: readonly string[]) {
    this.#values = values.filter((value) => value.length >= 4)
  }

  text(given: string): string {
    let text = given.length > maxLength ? `${given.slice(0, maxLength)}…` : given
    for (const value of this.#values) text = text.replaceAll(value, redacted)
    return text
      .replaceAll(/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@]{0,200}):[^\s/@]{1,500}@/gi, `$1:${redacted}@`)
      .replaceAll(/\b(bearer|basic) +[\w.~+/=-]{8,}/gi, `$1 ${redacted}`)
  }

  /** A copy, as plain data. What throws when it is read is left out. */
  fields(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const copy = this.#copy(given, 0)
    return typeof copy === 'object' && copy !== null ? { ...copy } : {}
  }

  #copy(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value)
    if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return value
    if (typeof value !== 'object') return this.text(String(value))
    if (depth >= maxDepth) return '[…]'
    try {
      if (value instanceof Error) return { name: value.name, message: this.text(value.message), stack: this.text(value.stack ?? '') }
      if (value instanceof Date) return value.toISOString()
      if (Array.isArray(value)) return value.slice(0, maxFields).map((one) => this.#copy(one, depth + 1))
      const entries = Object.entries(value).slice(0, maxFields)
      return Object.fromEntries(entries.map(([name, one]) => [name, secretName.test(name) ? redacted : this.#copy(one, depth + 1)]))
    } catch {
      return '[unreadable]'
    }
  }
}
