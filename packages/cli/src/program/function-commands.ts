import type { DeployCommandOptions } from '../commands/deploy.ts'
import type { InvokeCommandOptions } from '../commands/invoke.ts'
import type { LogsOptions } from '../commands/logs.ts'
import type { TypesOptions } from '../commands/types.ts'
import { command, type CommandGroup } from './command-spec.ts'
import { secretCommands } from './secret-commands.ts'

/** What works on the functions of a platform, here or elsewhere. */
export const functionCommands: CommandGroup = {
  title: 'Functions:',
  commands: [
    command<[string, DeployCommandOptions]>(
      {
        usage: 'deploy <path>',
        description: 'deploy a file, a folder or an archive',
        options: [
          ['-n, --name <name>', 'name of the function (default: that of the file)'],
          ['-e, --entry <path>', 'entry file inside the upload'],
          ['-l, --label <text>', 'note kept with the deployment'],
          ['-y, --yes', 'do not ask when it may use more than the live version'],
          ['--dry-run', 'say what would be deployed and what would change'],
        ],
        examples: [
          'cordon deploy functions/hello.ts',
          'cordon deploy functions/shop --dry-run',
          'cordon deploy hello.zip --name hello --label "new prices" --yes',
        ],
        note:
          'Before a version becomes live that may use more than the one before it (hosts, secrets, the database, other functions, packages), the\n' +
          'command shows the difference and asks. Where nobody can be asked it ends with exit code 1, unless there is --yes.',
      },
      async (context, path, options) => (await import('../commands/deploy.ts')).deploy(context, path, options),
    ),
    command<[string, string | undefined, InvokeCommandOptions]>(
      {
        usage: 'invoke <name> [json]',
        description: 'call a JSON function',
        options: [
          ['-d, --data <json>', 'input as JSON, @file or - for stdin'],
          ['-v, --version <version>', 'version to call (default: the live one)'],
        ],
        examples: [`cordon invoke hello '{"name":"Ada"}'`, 'cordon invoke hello --data @input.json', 'cat input.json | cordon invoke hello --data -'],
      },
      async (context, name, json, options) => (await import('../commands/invoke.ts')).invoke(context, { name, json }, options),
    ),
    command<[]>({ usage: 'list', description: 'list the functions', examples: ['cordon list'] }, async (context) =>
      (await import('../commands/versions.ts')).list(context),
    ),
    command<[string | undefined, LogsOptions]>(
      {
        usage: 'logs [name]',
        description: 'show what functions logged',
        options: [
          ['-f, --follow', 'go on showing what comes'],
          ['--level <level>', 'debug, info, warn or error'],
          ['--limit <count>', 'how many entries'],
          ['--since <time>', 'ISO 8601 date or milliseconds since 1970'],
        ],
        examples: ['cordon logs', 'cordon logs hello --follow', 'cordon logs --level error --since 2026-01-31'],
      },
      async (context, name, options) => (await import('../commands/logs.ts')).logs(context, name, options),
    ),
    command<[string]>(
      { usage: 'versions <name>', description: 'list the versions of a function', examples: ['cordon versions hello'] },
      async (context, name) => (await import('../commands/versions.ts')).versions(context, name),
    ),
    command<[string, string | undefined]>(
      {
        usage: 'rollback <name> [version]',
        description: 'make an older version live (default: the previous one)',
        examples: ['cordon rollback hello', 'cordon rollback hello v_0123456789abcdef'],
      },
      async (context, name, version) => (await import('../commands/versions.ts')).rollback(context, name, version),
    ),
    command<[TypesOptions]>(
      {
        usage: 'types',
        description: 'write the types of the functions and a client that has them',
        options: [['-o, --out <path>', 'write <path>.d.ts and <path>.js (default: print the declarations)']],
        examples: ['cordon types', 'cordon types --out src/functions'],
      },
      async (context, options) => (await import('../commands/types.ts')).types(context, options),
    ),
    command<[string]>(
      { usage: 'delete <name>', description: 'delete a function with its versions and logs', examples: ['cordon delete hello'] },
      async (context, name) => (await import('../commands/versions.ts')).remove(context, name),
    ),
    secretCommands,
  ],
}
