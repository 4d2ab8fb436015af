import { invalidOption, type OptionRow } from './check.ts'

/** Most keys of a ring: the current one and those of before. */
const maxKeys = 10

/** 32 bytes as 64 hexadecimal digits or as base64, or a list of them; the first encrypts, the others are of before and only decrypt. */
export function secretsKey(): OptionRow<readonly string[] | undefined> {
  return {
    default: () => undefined,
    form: 'list',
    isSecret: true,
    parse(value, path) {
      // A copy: `every` would not see the holes of a list.
      const keys: readonly unknown[] = Array.isArray(value) ? [...(value as readonly unknown[])] : [value]
      if (keys.length > 0 && keys.length <= maxKeys && keys.every(isKey)) return Object.freeze(keys)
      // Not repeated: it may be a key with a typing error.
      throw invalidOption(path, '32 bytes as 64 hexadecimal digits or as base64, or a list of 1 to 10 such keys', `a ${typeof value} that is none`)
    },
  }
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && (/^[0-9a-f]{64}$/i.test(value) || /^[A-Za-z0-9+/_-]{43}=?$/.test(value))
}
