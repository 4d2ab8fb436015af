import { resolve } from 'node:path'
import { isRecord, listOptions, platformOptionTable, readGiven, resolveOptions, type ListedOption, type PlatformOptions } from '@cordon/contracts'
import { resolvePlatformOptions } from '../platform/resolve-platform-options.ts'
import { findConfigFile, readConfigFile } from './config-file.ts'
import { readEnvironment, unknownVariables } from './environment.ts'
import { hideSecret } from './hide-secret.ts'

/** Where the settings come from. */
export interface LoadSettingsOptions {
  /** Folder with `cordon.config.ts`, `.mts`, `.js` or `.mjs`. @default the working directory */
  readonly folder?: string | undefined
  /** The config file itself, which then has to be there. @default the one in `folder`, if any */
  readonly file?: string | undefined
  /** @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
  /** What the command line says: wins over all else. */
  readonly flags?: PlatformOptions | undefined
  /** What takes the place of the platform's own defaults. */
  readonly defaults?: PlatformOptions | undefined
  /** Longest time in milliseconds that importing the config file may take; one that never gives way to timers is not stopped. @default 10000 */
  readonly importTimeoutMs?: number | undefined
}

/** What gave an option its value. */
export type SettingOrigin = 'default' | 'file' | 'environment' | 'flag'

/** One option as it is in force. */
export interface Setting {
  /** `limits.timeoutMs`. */
  readonly option: string
  /** The value, with what is secret replaced by `***`. */
  readonly value: unknown
  readonly origin: SettingOrigin
  /** The path of the file, the name of the variable or of the flag. */
  readonly source?: string
}

/** Settings, put together. */
export interface LoadedSettings {
  /** For `createPlatform`; holds only what was given somewhere. */
  readonly options: PlatformOptions
  /** Absolute path of the config file that was read. */
  readonly file: string | undefined
  /** Sentences about variables that begin with `CORDON_` and mean nothing. */
  readonly warnings: readonly string[]
  /**
   * Every option, defaults included, and where it comes from.
   *
   * @throws PlatformError INVALID_OPTION, HARDENING_UNAVAILABLE when the options do not go together
   */
  effective(): readonly Setting[]
}

/** A value and what gave it. */
interface Given {
  readonly value: unknown
  readonly origin: SettingOrigin
  readonly source?: string
}

const defaultImportTimeoutMs = 10_000

/**
 * Reads the settings of a platform: flags win over environment variables, these over the config file, this over
 * defaults, option by option. `createPlatform` itself reads neither; a host asks for it with
 * `createPlatform((await loadSettings()).options)`. Relative paths among the values are relative to the working directory.
 *
 * @throws PlatformError INVALID_OPTION, which names the variable, or the file and the place in it
 */
export async function loadSettings(from: LoadSettingsOptions = {}): Promise<LoadedSettings> {
  const table = platformOptionTable({ workingDirectory: process.cwd(), isProduction: process.env['NODE_ENV'] === 'production' })
  const listed = listOptions(table)
  const single = listed.filter(({ row }) => row.rows === undefined)
  const environment = from.environment ?? process.env
  const file = await findConfigFile(resolve(from.folder ?? '.'), from.file)
  const fromFile =
    file === undefined
      ? {}
      : await readConfigFile(file, { timeoutMs: from.importTimeoutMs ?? defaultImportTimeoutMs, check: (options) => resolveOptions(table, options) })

  const given = new Map<string, Given>()
  for (const [path, value] of valuesOf(single, from.defaults)) given.set(path, { value, origin: 'default' })
  for (const [path, value] of valuesOf(single, fromFile)) given.set(path, { value, origin: 'file', ...(file === undefined ? {} : { source: file }) })
  for (const { path, value, variable } of readEnvironment(listed, environment)) given.set(path, { value, origin: 'environment', source: variable })
  for (const [path, value] of valuesOf(single, from.flags)) given.set(path, { value, origin: 'flag', source: flagOf(path) })

  const options: PlatformOptions = nest(given)
  return {
    options,
    file,
    warnings: unknownVariables(listed, environment),
    effective() {
      const resolved = new Map(valuesOf(single, resolvePlatformOptions(options)))
      return single.map(({ path, row }) => {
        const { origin = 'default', source } = given.get(path) ?? {}
        return { option: path, value: hideSecret({ path, row }, resolved.get(path)), origin, ...(source === undefined ? {} : { source }) }
      })
    },
  }
}

/** What an object of options says, by path; `undefined` means left out. */
function valuesOf(single: readonly ListedOption[], options: unknown): (readonly [string, unknown])[] {
  return single.flatMap(({ path }) => {
    const value = readGiven(path, () => path.split('.').reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), options))
    return value === undefined ? [] : [[path, value] as const]
  })
}

/** Values by path as one object; the paths are those of the option table. */
function nest(given: ReadonlyMap<string, Given>): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const [path, { value }] of given) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    let at = options
    for (const name of names) {
      const inner = at[name]
      const next = isRecord(inner) ? inner : {}
      at[name] = next
      at = next
    }
    at[last] = value
  }
  return options
}

function flagOf(path: string): string {
  return `--${path.replaceAll('.', '-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
