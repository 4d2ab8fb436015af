import { readFile } from 'node:fs/promises'
import { isRecord } from '@cordon/contracts'
import { Command, CommanderError } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { Terminal } from './output/terminal.ts'
import type { CommandContext, GlobalOptions } from './commands/command.ts'
import type { DevOptions } from './dev/dev.ts'
import type { BackupCommandOptions } from './commands/backup.ts'
import type { MigrateOptions } from './commands/migrate.ts'
import type { DbLogsOptions } from './commands/db/logs.ts'
import type { DbShellOptions } from './commands/db/shell.ts'
import type { DbOptions } from './commands/db/target.ts'
import type { InvokeCommandOptions } from './commands/invoke.ts'
import type { TypesOptions } from './commands/types.ts'
import type { LogsOptions } from './commands/logs.ts'
import type { DeployOptions } from './upload/deploy-request.ts'

/** The command line. */
export interface Program {
  /** @throws CommandFailure, PlatformError */
  run(argv: readonly string[]): Promise<ExitCode>
}

const backupHelp = `
Examples:
  $ cordon backup                          ./cordon-20260102T030405Z.backup
  $ cordon backup /backups/monday.backup
The keys of secrets are not in it: keep secrets.key of the data directory (or the value of secretsKey) in another place.`
const restoreHelp = `
Examples:
  $ cordon restore monday.backup --data-dir ./fresh
  $ cordon restore monday.backup --database-url postgres://cordon@db.example.com/cordon`
const migrateHelp = `
Example:
  $ cordon migrate --to postgres://cordon@db.example.com/cordon
The platform that is copied stays as it is. Run the command again when it was interrupted.`

/** Declares every command and its options. What a command needs is loaded when it runs. */
export function createProgram(terminal: Terminal): Program {
  const root = new Command('cordon')
  let exitCode: ExitCode = 0
  root
    .description('Develop, deploy and call serverless functions')
    .option('--url <url>', 'platform to talk to (default: the one on the data directory; CORDON_URL)')
    .option('--token <token>', 'bearer token of its API (CORDON_TOKEN)')
    .option('--data-dir <folder>', 'data directory of the local platform (default: ./.cordon; CORDON_DATA_DIR)')
    .option('--config <file>', 'settings of the local platform (default: ./cordon.config.ts, .mts, .js or .mjs)')
    .option('--json', 'print the HTTP body')
    .addHelpText('after', '\n`cordon --version` prints the version.')
    .exitOverride()

  function define<Arguments extends unknown[]>(
    usage: string,
    description: string,
    run: (context: CommandContext, ...args: Arguments) => Promise<ExitCode>,
    parent: Command = root,
  ): Command {
    return parent
      .command(usage)
      .description(description)
      .action(async (...args: Arguments) => {
        exitCode = await run({ terminal, options: root.opts<GlobalOptions>() }, ...args)
      })
  }

  define<[string | undefined, DevOptions]>('dev [folder]', 'serve a folder of functions and reload them on save', async (context, folder, options) =>
    (await import('./dev/dev.ts')).dev(context, folder ?? '.', options),
  )
    .option('-p, --port <port>', 'port to listen on (default: 8080)')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
  define<[string, Partial<DeployOptions>]>('deploy <path>', 'deploy a file, a folder or an archive', async (context, path, options) =>
    (await import('./commands/deploy.ts')).deploy(context, path, options),
  )
    .option('-n, --name <name>', 'name of the function (default: that of the file)')
    .option('-e, --entry <path>', 'entry file inside the upload')
    .option('-l, --label <text>', 'note kept with the deployment')
  define<[string, string | undefined, InvokeCommandOptions]>('invoke <name> [json]', 'call a JSON function', async (context, name, json, options) =>
    (await import('./commands/invoke.ts')).invoke(context, { name, json }, options),
  )
    .option('-d, --data <json>', 'input as JSON, @file or - for stdin')
    .option('-v, --version <version>', 'version to call (default: the live one)')
  define<[]>('list', 'list the functions', async (context) => (await import('./commands/versions.ts')).list(context))
  define<[string | undefined, LogsOptions]>('logs [name]', 'show what functions logged', async (context, name, options) =>
    (await import('./commands/logs.ts')).logs(context, name, options),
  )
    .option('-f, --follow', 'go on showing what comes')
    .option('--level <level>', 'debug, info, warn or error')
    .option('--limit <count>', 'how many entries')
    .option('--since <time>', 'ISO 8601 date or milliseconds since 1970')
  define<[string]>('versions <name>', 'list the versions of a function', async (context, name) =>
    (await import('./commands/versions.ts')).versions(context, name),
  )
  define<[string, string | undefined]>(
    'rollback <name> [version]',
    'make an older version live (default: the previous one)',
    async (context, name, version) => (await import('./commands/versions.ts')).rollback(context, name, version),
  )
  define<[TypesOptions]>('types', 'write the types of the functions and a client that has them', async (context, options) =>
    (await import('./commands/types.ts')).types(context, options),
  ).option('-o, --out <path>', 'write <path>.d.ts and <path>.js (default: print the declarations)')
  define<[string]>('delete <name>', 'delete a function with its versions and logs', async (context, name) =>
    (await import('./commands/versions.ts')).remove(context, name),
  )

  const databaseUrl = ['--database-url <url>', 'postgres://… of a server instead of the embedded one (CORDON_DATABASE_URL)'] as const
  define<[DbOptions]>('config', 'print every option of the local platform and where it comes from', async (context, options) =>
    (await import('./commands/config.ts')).config(context, options),
  ).option(...databaseUrl)

  define<[string | undefined, BackupCommandOptions]>(
    'backup [file]',
    'write everything that the local platform has into one file, while it runs or not',
    async (context, file, options) => (await import('./commands/backup.ts')).backup(context, file, options),
  )
    .option(...databaseUrl)
    .addHelpText('after', backupHelp)
  define<[string, BackupCommandOptions]>(
    'restore <file>',
    'make the platform of a backup anew, where there is none',
    async (context, file, options) => (await import('./commands/restore.ts')).restore(context, file, options),
  )
    .option(...databaseUrl)
    .addHelpText('after', restoreHelp)
  define<[MigrateOptions]>('migrate', 'copy the local platform, stopped, into the database of a server', async (context, options) =>
    (await import('./commands/migrate.ts')).migrate(context, options),
  )
    .requiredOption('--to <url>', 'postgres://… of a database that has no platform')
    .option(...databaseUrl)
    .addHelpText('after', migrateHelp)

  const db = root.command('db').description("look at the platform's database")
  define<[DbOptions]>(
    'status',
    'whether it runs, where, and what is in it',
    async (context, options) => (await import('./commands/db/status.ts')).status(context, options),
    db,
  ).option(...databaseUrl)
  define<[DbLogsOptions]>(
    'logs',
    'what the embedded database server wrote',
    async (context, options) => (await import('./commands/db/logs.ts')).dbLogs(context, options),
    db,
  )
    .option(...databaseUrl)
    .option('--limit <lines>', 'how many lines (default: 200)')
  define<[DbShellOptions]>(
    'shell',
    'run SQL in it, from the keyboard or from standard input',
    async (context, options) => (await import('./commands/db/shell.ts')).dbShell(context, options),
    db,
  )
    .option(...databaseUrl)
    .option('--database <name>', "database of the server (default: the platform's own)")
    .option('-c, --command <sql>', 'run this and end')

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

async function ownVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  return isRecord(manifest) ? String(manifest['version']) : ''
}
