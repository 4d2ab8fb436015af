import formats from 'ajv-formats/dist/formats.js'

/**
 * `date-time` of RFC 3339 as far as `Date` goes: no leap seconds, which a `Date` cannot hold, and no day that a month does not
 * have. Years of six digits are what `Date` itself writes far from now.
 */
const day = String.raw`(?:\d{4}|[+-]\d{6})-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|[12]\d))`
const clock = String.raw`(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)`

/** Formats whose expression in ajv-formats is used as it stands. */
const taken = [
  'duration',
  'uri-reference',
  'uri-template',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uuid',
  'json-pointer',
  'relative-json-pointer',
] as const

/** The formats that are checked, all as plain regular expressions, which become part of the code. Any other is a remark for readers. */
export const checkedFormats: ReadonlyMap<string, RegExp> = new Map<string, RegExp>([
  ['date-time', new RegExp(`^${day}T${clock}$`)],
  ['date', new RegExp(`^${day}$`)],
  ['time', new RegExp(`^${clock}$`)],
  ['uri', expression(formats.fastFormats.uri)],
  ...taken.map((name): [string, RegExp] => [name, expression(formats.fullFormats[name])]),
])

function expression(format: unknown): RegExp {
  if (format instanceof RegExp) return format
  throw new TypeError('Cannot use a format of ajv-formats: it is no regular expression')
}
