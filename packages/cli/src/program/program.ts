import { Command, CommanderError } from 'commander'
import type { CommandContext, GlobalOptions } from '../commands/command.ts'
import type { ExitCode } from '../exit-code.ts'
import type { Terminal } from '../output/terminal.ts'
import { ownVersion } from '../own-version.ts'
import type { DeclaredCommand } from './command-spec.ts'
import { commandGroups, exitCodes, globalOptions } from './commands.ts'

/** The command line. */
export interface Program {
  /** @throws CommandFailure, PlatformError */
  run(argv: readonly string[]): Promise<ExitCode>
}

const helpAfter = `
Exit codes: ${exitCodes.map(([code, meaning]) => `${code} ${meaning}`).join('; ')}.
\`cordon help <command>\` shows the options and examples of a command, \`cordon --version\` the version.`

/** Declares every command and its options. What a command needs is loaded when it runs. */
export function createProgram(terminal: Terminal): Program {
  const root = new Command('cordon')
  let exitCode: ExitCode = 0
  root.description('Develop, deploy and call serverless functions').exitOverride().addHelpText('after', helpAfter)
  root.configureHelp({ showGlobalOptions: true }).showHelpAfterError('cordon --help lists the commands')
  for (const [flags, text] of globalOptions) root.option(flags, text)

  function add(declared: DeclaredCommand, parent: Command): Command {
    return declared.attach(parent, async (start: (context: CommandContext) => Promise<ExitCode>) => {
      exitCode = await start({ terminal, options: root.opts<GlobalOptions>() })
    })
  }
  for (const { title, commands } of commandGroups) {
    for (const one of commands) {
      if ('family' in one) {
        const family = root.command(one.family).description(one.description).helpGroup(title)
        for (const member of one.commands) add(member, family)
      } else add(one, root).helpGroup(title)
    }
  }

  return {
    async run(argv) {
      // Not an option of the root command: commander would take the `--version` of `invoke` for it.
      if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
        terminal.print(await ownVersion())
        return 0
      }
      try {
        await root.parseAsync(argv, { from: 'user' })
        return exitCode
      } catch (error) {
        // Commander has printed its message already; help that was asked for is no failure.
        if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
        throw error
      }
    },
  }
}
