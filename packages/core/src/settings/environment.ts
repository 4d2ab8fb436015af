import { PlatformError, invalidOption, isRecord, type ListedOption, type OptionForm, type OptionRow } from '@cordon/contracts'
import { nearest } from './nearest.ts'

/** An option that an environment variable gives. */
export interface FromEnvironment {
  readonly path: string
  readonly value: unknown
  readonly variable: string
}

const prefix = 'CORDON_'
/** Variables with the same beginning that are not options: they say to the command line where the platform is. */
const otherVariables = ['CORDON_URL', 'CORDON_TOKEN']
/** Set by the platform inside sandboxes. */
const ownVariables = ['CORDON_RESTRICTED']

/**
 * The options that the environment gives, groups before their own options. An empty variable is one that is not set:
 * that is what `VARIABLE=${UNSET}` leaves behind.
 *
 * @throws PlatformError INVALID_OPTION, which names the variable
 */
export function readEnvironment(
  listed: readonly ListedOption[],
  environment: Readonly<Record<string, string | undefined>>,
): readonly FromEnvironment[] {
  return listed.flatMap(({ path, variable, row }) => {
    const text = environment[variable]
    if (text === undefined || text === '') return []
    if (row.rows !== undefined) return readGroup({ path, row, variable }, readJson(text, variable))
    if (row.form === undefined) throw notFromEnvironment(variable)
    return [{ path, variable, value: row.parse(readText(text, row.form, variable), variable) }]
  })
}

/** One sentence for each variable that begins with `CORDON_` and is none that is read. */
export function unknownVariables(listed: readonly ListedOption[], environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = [...listed.filter(({ row }) => row.form !== undefined || row.rows !== undefined).map(({ variable }) => variable), ...otherVariables]
  return Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !known.includes(name) && !ownVariables.includes(name))
    .filter((name) => environment[name] !== undefined && environment[name] !== '')
    .map((name) => {
      const near = nearest(
        name.slice(prefix.length),
        known.map((one) => one.slice(prefix.length)),
      )
      return `The environment variable ${name} is not one that Cordon knows${near === undefined ? '' : `; did you mean ${prefix}${near}?`}`
    })
}

/** The options of a group that is given as JSON, each by its own row. */
function readGroup({ path, row, variable }: { path: string; row: OptionRow<unknown>; variable: string }, value: unknown): readonly FromEnvironment[] {
  const rows = row.rows ?? {}
  if (!isRecord(value)) throw invalidOption(variable, 'an object as JSON', value)
  return Object.entries(value).flatMap(([name, inner]) => {
    const place = `${variable}.${name}`
    const found = Object.hasOwn(rows, name) ? rows[name] : undefined
    if (found === undefined) throw invalidOption(place, `one of ${Object.keys(rows).join(', ')}`, 'an unknown name')
    if (found.rows !== undefined) return readGroup({ path: `${path}.${name}`, row: found, variable: place }, inner)
    if (found.form === undefined) throw notFromEnvironment(place)
    return [{ path: `${path}.${name}`, variable, value: found.parse(inner, place) }]
  })
}

/** The text in the form that the option has; what does not have it stays text, for the option's own check to refuse. */
function readText(text: string, form: OptionForm, variable: string): unknown {
  switch (form) {
    case 'text':
      return text
    case 'integer':
      return integerOf(text)
    case 'flag':
      return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text
    case 'json':
      return readJson(text, variable)
    case 'list':
      return text.trimStart().startsWith('[') ? readJson(text, variable) : split(text)
    case 'integers':
      return text.trimStart().startsWith('[') ? readJson(text, variable) : split(text).map(integerOf)
  }
}

function split(text: string): readonly string[] {
  return text.split(',').map((one) => one.trim())
}

function integerOf(text: string): number | string {
  return /^\s*-?\d{1,16}\s*$/.test(text) ? Number(text) : text
}

/** The text itself is not repeated: it may hold a secret. */
function readJson(text: string, variable: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalidOption(variable, 'JSON', 'text that is not JSON')
  }
}

function notFromEnvironment(variable: string): PlatformError {
  return new PlatformError('INVALID_OPTION', `Cannot use "${variable}": this option can only be given in the config file`, {
    details: { option: variable },
  })
}
