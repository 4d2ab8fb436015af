import type { Command } from 'commander'
import type { CommandContext } from '../commands/command.ts'
import type { ExitCode } from '../exit-code.ts'

/** Flags as commander reads them, and what they mean. */
export type OptionSpec = readonly [flags: string, text: string]

/** What is said about a command; help and docs/reference/cli.md come from it. */
export interface CommandSpec {
  /** `deploy <path>`: its name and arguments. */
  readonly usage: string
  /** One line, without a full stop. */
  readonly description: string
  readonly options?: readonly OptionSpec[]
  /** Options without which it does not run. */
  readonly required?: readonly OptionSpec[]
  /** Command lines, each with what follows `#` as its comment. */
  readonly examples: readonly string[]
  /** What else one has to know, in whole sentences. */
  readonly note?: string
}

/** A command with what it does. */
export interface DeclaredCommand extends CommandSpec {
  /** Adds it to a parent; `run` is given what will run it, once commander has read the arguments. */
  attach(parent: Command, run: (start: (context: CommandContext) => Promise<ExitCode>) => Promise<void>): Command
}

/** Commands below one word: `db status`, `db logs`. */
export interface CommandFamily {
  readonly family: string
  readonly description: string
  readonly commands: readonly DeclaredCommand[]
}

/** Commands that stand together in the help. */
export interface CommandGroup {
  readonly title: string
  readonly commands: readonly (DeclaredCommand | CommandFamily)[]
}

/** Declares a command. `run` loads what the command needs: nothing of it is loaded for another one. */
export function command<Arguments extends unknown[]>(
  spec: CommandSpec,
  run: (context: CommandContext, ...args: Arguments) => Promise<ExitCode>,
): DeclaredCommand {
  return {
    ...spec,
    attach(parent, runner) {
      const made = parent.command(spec.usage).description(spec.description)
      for (const [flags, text] of spec.options ?? []) made.option(flags, text)
      for (const [flags, text] of spec.required ?? []) made.requiredOption(flags, text)
      const family = parent.parent === null ? '' : `${parent.name()} `
      made.showHelpAfterError(`cordon ${family}${made.name()} --help shows its options and examples`)
      made.addHelpText('after', () => helpAfter(spec))
      return made.action((...args: Arguments) => runner((context) => run(context, ...args)))
    },
  }
}

function helpAfter({ examples, note }: CommandSpec): string {
  const lines = examples.map((example) => `  $ ${example}`)
  return ['', 'Examples:', ...lines, ...(note === undefined ? [] : ['', note])].join('\n')
}
