import type { InitOptions } from '../commands/init.ts'
import type { TestOptions } from '../commands/test.ts'
import type { DevOptions } from '../dev/dev.ts'
import { command, type CommandGroup } from './command-spec.ts'

/** What works on the files of this machine. */
export const projectCommands: CommandGroup = {
  title: 'Develop:',
  commands: [
    command<[string | undefined, InitOptions]>(
      {
        usage: 'init [folder]',
        description: 'create a TypeScript project with a function and its test',
        options: [['-t, --template <name>', 'simple, http or database (default: simple)']],
        examples: ['cordon init my-functions', 'cordon init my-site --template http'],
        note: 'Nothing that is there is written over, and nothing is downloaded.',
      },
      async (context, folder, options) => (await import('../commands/init.ts')).init(context, folder, options),
    ),
    command<[string | undefined, DevOptions]>(
      {
        usage: 'dev [folder]',
        description: 'serve a folder of functions (default: ./functions, else .) and reload them on save',
        options: [
          ['-p, --port <port>', 'port to listen on (default: 8080)'],
          ['--host <address>', 'address to listen on (default: 127.0.0.1)'],
        ],
        examples: ['cordon dev', 'cordon dev functions --port 9000'],
      },
      async (context, folder, options) => (await import('../dev/dev.ts')).dev(context, folder, options),
    ),
    command<[string[], TestOptions]>(
      {
        usage: 'test [paths...]',
        description: 'run *.test.{ts,mts,js,mjs} with node:test, each file in a process of its own',
        options: [
          ['-t, --test-name-pattern <pattern>', 'only tests whose name matches this regular expression'],
          ['-w, --watch', 'run them again when a file changes'],
        ],
        examples: ['cordon test', 'cordon test functions/hello.test.ts -t greets', 'cordon test -- --test-timeout=5000 --test-reporter=tap'],
        note: 'What follows -- is given to Node, written as --option=value: see `node --help` for its options that begin with --test.',
      },
      async (context, paths, options) => (await import('../commands/test.ts')).test(context, paths, options),
    ),
    command<[string]>(
      {
        usage: 'completion <shell>',
        description: 'print the script that completes commands, options and names in bash, zsh or fish',
        examples: [
          'source <(cordon completion bash)                                # in ~/.bashrc',
          'source <(cordon completion zsh)                                 # in ~/.zshrc, after compinit',
          'cordon completion fish > ~/.config/fish/completions/cordon.fish',
        ],
        note: 'Names of functions and secrets come from the platform that runs on the data directory, or is named by CORDON_URL.',
      },
      async (context, shell) => (await import('../commands/completion.ts')).completion(context, shell),
    ),
  ],
}
