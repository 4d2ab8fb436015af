import type { DevOptions } from '../dev/dev.ts'
import { command, type CommandGroup } from './command-spec.ts'

/** What works on the files of this machine. */
export const projectCommands: CommandGroup = {
  title: 'Develop:',
  commands: [
    command<[string | undefined, DevOptions]>(
      {
        usage: 'dev [folder]',
        description: 'serve a folder of functions and reload them on save',
        options: [
          ['-p, --port <port>', 'port to listen on (default: 8080)'],
          ['--host <address>', 'address to listen on (default: 127.0.0.1)'],
        ],
        examples: ['cordon dev functions', 'cordon dev functions --port 9000'],
      },
      async (context, folder, options) => (await import('../dev/dev.ts')).dev(context, folder ?? '.', options),
    ),
  ],
}
