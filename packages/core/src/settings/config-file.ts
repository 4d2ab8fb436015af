import { stat } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { PlatformError, reasonOf } from '@cordon/contracts'
import { bundleConfig, type BundledConfig } from './bundle-config.ts'

const fileNames = ['cordon.config.ts', 'cordon.config.mts', 'cordon.config.js', 'cordon.config.mjs']

/**
 * The config file: `given`, or the one in `folder`, if any.
 *
 * @throws PlatformError INVALID_OPTION when `given` is no such file, or the folder has several
 */
export async function findConfigFile(folder: string, given: string | undefined): Promise<string | undefined> {
  if (given !== undefined) {
    const path = resolve(folder, given)
    if (!/\.m?[jt]s$/.test(path)) throw refused(path, 'its name ends in none of .ts, .mts, .js, .mjs')
    if (!(await isFile(path))) throw refused(path, 'there is no such file')
    return path
  }
  const there = await Promise.all(fileNames.map((name) => isFile(resolve(folder, name))))
  const found = fileNames.filter((_, index) => there[index])
  const [first, second] = found
  if (first !== undefined && second !== undefined) throw refused(resolve(folder, first), `there is ${second} too; keep one`)
  return first === undefined ? undefined : resolve(folder, first)
}

/** How a config file is read. */
export interface ReadConfigOptions {
  /** Longest time for its import, in milliseconds. */
  readonly timeoutMs: number
  /** Throws what is wrong with the options. */
  readonly check: (options: unknown) => void
}

/**
 * Runs a config file and returns what it exports as default. It runs in this process and may do what this process may.
 *
 * @throws PlatformError INVALID_OPTION with the file and, where it is known, line and column
 */
export async function readConfigFile(file: string, { timeoutMs, check }: ReadConfigOptions): Promise<object> {
  const bundled = await bundleConfig(file).catch((error: unknown) => {
    throw refused(placeOfBuildError(error) ?? file, reasonOfBuildError(error), error)
  })
  const loaded = await importWithin(timeoutMs, bundled, file)
  const options = 'default' in loaded ? loaded.default : undefined
  if (options === undefined) throw refused(file, 'it has no default export; write export default defineConfig({ … })')
  if (!isPlainObject(options)) throw refused(file, `expected an object as default export, got ${kindOf(options)}`)
  try {
    check(options)
  } catch (error) {
    throw refused(file, reasonOf(error), error)
  }
  return options
}

async function importWithin(timeoutMs: number, bundled: BundledConfig, file: string): Promise<object> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(refused(file, `its import did not end within ${timeoutMs} ms; does it await something?`)), timeoutMs)
  })
  try {
    return await Promise.race([bundled.load(), late])
  } catch (error) {
    if (error instanceof PlatformError && error.details['file'] === file) throw error
    throw refused(bundled.placeOf(error) ?? file, reasonOf(error), error)
  } finally {
    clearTimeout(timer)
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}

function refused(place: string, reason: string, cause?: unknown): PlatformError {
  return new PlatformError('INVALID_OPTION', `Cannot use the config file ${shortest(place)}: ${reason}`, {
    details: { file: place },
    ...(cause === undefined ? {} : { cause }),
  })
}

/** A path below the working directory is read more easily without it. */
function shortest(path: string): string {
  const short = relative('.', path)
  return short.startsWith('..') ? path : short
}

/** Objects as braces make them: a promise, a class or a list is a mistake that would say nothing. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return value instanceof Promise ? 'a promise (write export default await …)' : `a value of type ${typeof value}`
}

/** What esbuild says about a file that it cannot read: its own summary repeats the place. */
interface BuildMessage {
  readonly text: string
  readonly location: { readonly file: string; readonly line: number; readonly column: number } | null
}

function firstMessage(error: unknown): BuildMessage | undefined {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors) ? (error.errors as readonly BuildMessage[])[0] : undefined
}

function placeOfBuildError(error: unknown): string | undefined {
  const location = firstMessage(error)?.location
  return location ? `${resolve(location.file)}:${location.line}:${location.column + 1}` : undefined
}

function reasonOfBuildError(error: unknown): string {
  return firstMessage(error)?.text ?? reasonOf(error)
}
