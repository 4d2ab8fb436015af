import type { Setting } from '@cordon/core/settings'
import type { ExitCode } from '../exit-code.ts'
import { escapeLine } from '../output/escape.ts'
import { formatTable } from '../output/table.ts'
import { settingsOf } from '../settings.ts'
import type { CommandContext } from './command.ts'
import type { DbOptions } from './db/target.ts'

/** `cordon config`: every option of the local platform as it is in force, and where it comes from. Starts nothing. */
export async function config(context: CommandContext, { databaseUrl }: DbOptions): Promise<ExitCode> {
  const settings = await settingsOf(context, { databaseUrl })
  const effective = settings.effective()
  const { terminal } = context
  if (context.options.json === true) terminal.print(JSON.stringify({ file: settings.file ?? null, options: effective.map(toJson) }))
  else terminal.print(formatTable(['OPTION', 'VALUE', 'ORIGIN'], effective.map(toCells)))
  return 0
}

function toCells({ option, value, origin, source }: Setting): readonly string[] {
  return [option, show(value), source === undefined ? origin : `${origin} ${source}`].map(escapeLine)
}

function toJson({ option, value, origin, source }: Setting): Record<string, unknown> {
  return { option, value: isPlain(value) ? (value ?? null) : describe(value), origin, source }
}

function show(value: unknown): string {
  if (value === undefined) return 'none'
  if (!isPlain(value)) return describe(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Whether JSON can say what it is; loggers and functions are not like that. */
function isPlain(value: unknown): boolean {
  return typeof value !== 'function' && !(typeof value === 'object' && value !== null && hasMethods(value))
}

function hasMethods(value: object): boolean {
  return 'warn' in value && typeof value.warn === 'function'
}

function describe(value: unknown): string {
  return typeof value === 'function' ? '(function)' : '(object with methods)'
}
