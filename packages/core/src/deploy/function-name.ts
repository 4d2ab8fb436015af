import { functionName, invalidOption } from '@cordon/contracts'

/** Checks the name of a function. @throws PlatformError INVALID_OPTION */
export function checkFunctionName(name: unknown): string {
  if (typeof name === 'string' && functionName.test(name)) return name
  throw invalidOption('name', '1 to 63 letters, digits, "-" and "_" that start with a letter', name)
}
