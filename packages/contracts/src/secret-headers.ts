import { normaliseHost } from './host-name.ts'
import { connectionHeader, headerName, headerValue } from './http-header.ts'
import { secretName } from './names.ts'
import { invalidOption, isRecord, type OptionRow } from './options/check.ts'

/**
 * Headers with secrets that the host puts into the requests of a function, by host (as in `net`) and name of the header. `{NAME}` in a value is where the
 * secret goes.
 */
export type SecretHeaders = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Most headers of one function, and most characters of a value with its names: a few services, each with a few headers. */
const maxHeaders = 100
const maxLength = 1000

const place = /\{([^{}]*)\}/g

/** Names of the secrets in the value of such a header, each once; `undefined` when it is none: no secret, or a brace that belongs to none. */
export function secretsIn(value: string): readonly string[] | undefined {
  const names = [...value.matchAll(place)].map(([, name = '']) => name)
  const isWhole = !/[{}]/.test(value.replaceAll(place, ''))
  return isWhole && names.length > 0 && names.every((name) => secretName.test(name)) ? [...new Set(names)] : undefined
}

/** The value with its secrets in place. */
export function fillSecrets(value: string, secretOf: (name: string) => string): string {
  // By a function: `$&` in a secret is text.
  return value.replaceAll(place, (_, name: string) => secretOf(name))
}

/** `config.secretHeaders`: hosts in their one spelling, names of headers in lower case. Errors repeat no value: one without braces may be the secret itself. */
export function secretHeaders(): OptionRow<SecretHeaders | undefined> {
  return {
    default: () => undefined,
    parse(value, path) {
      if (!isRecord(value)) throw invalidOption(path, 'headers by host such as { "api.example.com": { authorization: "Bearer {API_KEY}" } }', value)
      const hosts = new Map<string, Readonly<Record<string, string>>>()
      for (const [given, headers] of Object.entries(value)) {
        const host = normaliseHost(given)
        // To every host would be to nobody in particular: a function could send it to its author.
        if (host === undefined || host === '*' || hosts.has(host))
          throw invalidOption(path, 'hosts such as "api.example.com", each once, never "*"', given)
        hosts.set(host, headersOf(headers, `${path}["${host}"]`))
      }
      const count = [...hosts.values()].reduce((sum, headers) => sum + Object.keys(headers).length, 0)
      if (count > maxHeaders) throw invalidOption(path, `at most ${maxHeaders} headers`, count)
      return Object.freeze(Object.fromEntries(hosts))
    },
  }
}

function headersOf(given: unknown, path: string): Readonly<Record<string, string>> {
  if (!isRecord(given)) throw invalidOption(path, 'headers such as { authorization: "Bearer {API_KEY}" }', hidden(given))
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase()
    if (!headerName.test(name) || connectionHeader.test(lower) || headers.has(lower)) {
      throw invalidOption(path, 'names of headers, each once, that are not those of the connection such as "host"', name)
    }
    if (typeof value !== 'string' || value.length > maxLength || !headerValue.test(value) || secretsIn(value) === undefined) {
      const expected = 'a text with names of secrets in braces, such as "Bearer {API_KEY}", and no other braces'
      throw invalidOption(`${path}.${name}`, expected, hidden(value))
    }
    headers.set(lower, value)
  }
  return Object.freeze(Object.fromEntries(headers))
}

function hidden(value: unknown): unknown {
  return typeof value === 'string' ? 'another text' : value
}
