import { httpTable, isRecord, resolveOptions, type HttpInput, type HttpOptions, type OptionRow, type Platform } from '@cordon/contracts'

/** The option `http` of a handler: what it gives wins over what the platform has, option by option. */
export function httpRow(base: HttpOptions): OptionRow<HttpOptions> {
  return {
    default: () => base,
    parse: (value, path) => resolveOptions(httpTable(false), merge(base, value), path),
  }
}

/** The option `http` that holds for a handler of a platform. @throws PlatformError INVALID_OPTION */
export function resolveHttp(platform: Platform, options: { readonly http?: HttpInput | undefined } | undefined): Readonly<HttpOptions> {
  const row = httpRow(platform.options.http)
  return options?.http === undefined ? row.default() : row.parse(options.http, 'http')
}

/** What is not an object is left for the check of the option to refuse. */
function merge(base: object, given: unknown): unknown {
  if (given === undefined) return base
  if (!isRecord(given)) return given
  const known = new Map<string, unknown>(Object.entries(base))
  const merged = Object.entries(given).map(([key, value]) => {
    const before = known.get(key)
    return [key, value === undefined ? before : isRecord(before) ? merge(before, value) : value] as const
  })
  return { ...base, ...Object.fromEntries(merged) }
}
