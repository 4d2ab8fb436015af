import { invalidOption, secretName } from '@cordon/contracts'

/** Most UTF-16 units of a value: keys and certificates, not files. */
const maxLength = 65_536

/** @throws PlatformError INVALID_OPTION */
export function checkSecretName(name: unknown): string {
  if (typeof name === 'string' && secretName.test(name)) return name
  throw invalidOption('name', '1 to 128 letters, digits, "_", "." and "-" that start with a letter or "_"', name)
}

/** Says nothing of the value in its error. @throws PlatformError INVALID_OPTION */
export function checkSecretValue(value: unknown): string {
  if (typeof value === 'string' && value.length <= maxLength && !/\p{Surrogate}/u.test(value)) return value
  throw invalidOption('value', `a text of at most ${maxLength} characters`, `a ${typeof value} that is none`)
}
