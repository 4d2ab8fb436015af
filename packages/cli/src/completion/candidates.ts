import type { CommandSpec, OptionSpec } from '../program/command-spec.ts'
import { commandGroups, globalOptions } from '../program/commands.ts'

/** What may stand where the cursor is: words with what they mean, or names that a platform knows. */
export type Candidates =
  | { readonly kind: 'words'; readonly words: readonly (readonly [word: string, meaning: string])[] }
  | { readonly kind: 'functions' | 'secrets' }
  /** Anything: the shell offers files. */
  | { readonly kind: 'files' }

type Named = CommandSpec & { readonly inside?: string }

const helpOption: OptionSpec = ['-h, --help', 'show the options and examples of a command']

/** What fits the last of `words`, the one that is being typed; `cordon` itself is not among them. */
export function candidatesFor(words: readonly string[]): Candidates {
  const last = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const { family, command, operands } = read(before)
  const options = [...(command?.required ?? []), ...(command?.options ?? []), ...globalOptions]
  const previous = before.at(-1)
  if (previous !== undefined && takesValue(previous, options)) return { kind: 'files' }
  if (last.startsWith('-'))
    return found(
      [...options, helpOption].flatMap(([flags, text]) => longFlags(flags).map((flag) => [flag, text] as const)),
      last,
    )
  if (command !== undefined) return { kind: kindOf(command, operands) }
  return found(family === undefined ? topWords() : membersOf(family), last)
}

function found(words: readonly (readonly [string, string])[], start: string): Candidates {
  return { kind: 'words', words: words.filter(([word]) => word.startsWith(start)) }
}

/** Reads what stands before the cursor: which command it names, and how many of its arguments are there. */
function read(before: readonly string[]): { readonly family: string | undefined; readonly command: Named | undefined; readonly operands: number } {
  let family: string | undefined
  let command: Named | undefined
  let operands = 0
  let isValue = false
  for (const word of before) {
    const options = [...(command?.required ?? []), ...(command?.options ?? []), ...globalOptions]
    if (isValue) isValue = false
    else if (word.startsWith('-')) isValue = takesValue(word, options)
    else if (command !== undefined) operands++
    else if (family === undefined && membersOf(word).length > 0) family = word
    else command = commands().find((one) => nameOf(one) === word && one.inside === family)
  }
  return { family, command, operands }
}

function takesValue(word: string, options: readonly OptionSpec[]): boolean {
  return options.some(([flags]) => flags.includes('<') && flags.split(/[ ,]+/).includes(word))
}

/** `invoke <name>` is that of a function; names of secrets are asked for where they have to be there. */
function kindOf(command: Named, operands: number): 'functions' | 'secrets' | 'files' {
  const argument = /[<[]([^\]>]+)/.exec(command.usage.split(' ')[operands + 1] ?? '')?.[1]
  if (argument !== 'name') return 'files'
  return command.inside === 'secrets' ? 'secrets' : 'functions'
}

function commands(): readonly Named[] {
  return commandGroups.flatMap((group) =>
    group.commands.flatMap((one): Named[] => ('family' in one ? one.commands.map((member) => ({ ...member, inside: one.family })) : [one])),
  )
}

function topWords(): readonly (readonly [string, string])[] {
  const own = commandGroups.flatMap((group) => group.commands.map((one) => ['family' in one ? one.family : nameOf(one), one.description] as const))
  return [...own, ['help', 'show the help of a command']]
}

function membersOf(family: string): readonly (readonly [string, string])[] {
  return commands().flatMap((one) => (one.inside === family ? [[nameOf(one), one.description] as const] : []))
}

function nameOf({ usage }: CommandSpec): string {
  return usage.split(' ')[0] ?? ''
}

function longFlags(flags: string): readonly string[] {
  return flags.split(/[ ,]+/).filter((flag) => flag.startsWith('--'))
}
