import type { CommandGroup, OptionSpec } from './command-spec.ts'
import { functionCommands } from './function-commands.ts'
import { platformCommands } from './platform-commands.ts'
import { projectCommands } from './project-commands.ts'

/** Every command, in the order of the help. */
export const commandGroups: readonly CommandGroup[] = [projectCommands, functionCommands, platformCommands]

/** Options that every command has. */
export const globalOptions: readonly OptionSpec[] = [
  ['--url <url>', 'platform to talk to (default: the one on the data directory; CORDON_URL)'],
  ['--token <token>', 'bearer token of its API (CORDON_TOKEN)'],
  ['--data-dir <folder>', 'data directory of the local platform (default: ./.cordon; CORDON_DATA_DIR)'],
  ['--config <file>', 'settings of the local platform (default: ./cordon.config.ts, .mts, .js or .mjs)'],
  ['--json', 'print the HTTP body'],
  ['--no-color', 'print without colors (NO_COLOR; FORCE_COLOR=1 prints with them everywhere)'],
]

/** What the command says to the shell. */
export const exitCodes: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'done'],
  [1, 'the function or the upload failed, a test did, or something is wrong'],
  [2, 'wrong usage'],
  [3, 'the platform cannot be reached'],
  [130, 'Ctrl-C at a question or during tests'],
]
