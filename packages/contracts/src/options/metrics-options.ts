import { integer, invalidOption, text, type OptionRow, type OptionTable } from './check.ts'

/** What the host tells Prometheus. */
export interface MetricsOptions {
  /**
   * Bearer token, of at least 16 characters, that `/metrics` asks for. With `authenticate` nobody reads the metrics without it. `platform.options` of a tenant
   * does not show it. @default none
   */
  readonly token: string | undefined
  /** Functions that have series of their own, those of all tenants that were called most; 0 for none. @default 100 */
  readonly functions: number
}

/** Short enough to type, too long to guess over HTTP. */
const minTokenLength = 16

/** Defaults and checks of the options of `metrics`. Described in docs/reference/platform-options.md. */
export const metricsTable: OptionTable<MetricsOptions> = {
  token: secretToken(),
  functions: integer(100, { min: 0, max: 10_000 }),
}

function secretToken(): OptionRow<string | undefined> {
  const row = text(undefined)
  return {
    default: row.default,
    form: 'text',
    isSecret: true,
    parse(value, path) {
      if (typeof value === 'string' && value.length >= minTokenLength && /^[\x21-\x7e]+$/.test(value)) return value
      // It is not repeated: it may be nearly right.
      throw invalidOption(path, `a text of at least ${minTokenLength} printable ASCII characters without blanks`, `a ${typeof value} that is none`)
    },
  }
}
