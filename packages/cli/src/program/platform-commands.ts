import type { BackupCommandOptions } from '../commands/backup.ts'
import type { DbLogsOptions } from '../commands/db/logs.ts'
import type { DbShellOptions } from '../commands/db/shell.ts'
import type { DbOptions } from '../commands/db/target.ts'
import type { MigrateOptions } from '../commands/migrate.ts'
import type { ServeCommandOptions } from '../serve/serve.ts'
import { command, type CommandFamily, type CommandGroup, type OptionSpec } from './command-spec.ts'

const databaseUrl: OptionSpec = ['--database-url <url>', 'postgres://… of a server instead of the embedded one (CORDON_DATABASE_URL)']

const db: CommandFamily = {
  family: 'db',
  description: "look at the platform's database",
  commands: [
    command<[DbOptions]>(
      {
        usage: 'status',
        description: 'whether it runs, where, and what is in it',
        options: [databaseUrl],
        examples: ['cordon db status'],
      },
      async (context, options) => (await import('../commands/db/status.ts')).status(context, options),
    ),
    command<[DbLogsOptions]>(
      {
        usage: 'logs',
        description: 'what the embedded database server wrote',
        options: [databaseUrl, ['--limit <lines>', 'how many lines (default: 200)']],
        examples: ['cordon db logs --limit 20'],
      },
      async (context, options) => (await import('../commands/db/logs.ts')).dbLogs(context, options),
    ),
    command<[DbShellOptions]>(
      {
        usage: 'shell',
        description: 'run SQL in it, from the keyboard or from standard input',
        options: [
          databaseUrl,
          ['--database <name>', "database of the server (default: the platform's own)"],
          ['-c, --command <sql>', 'run this and end'],
        ],
        examples: ['cordon db shell', 'cordon db shell -c "SELECT name FROM cordon.functions"', 'cordon db shell < report.sql'],
      },
      async (context, options) => (await import('../commands/db/shell.ts')).dbShell(context, options),
    ),
  ],
}

/** What is for whoever runs a platform, on its machine. */
export const platformCommands: CommandGroup = {
  title: 'The local platform:',
  commands: [
    command<[ServeCommandOptions]>(
      {
        usage: 'serve',
        description: 'serve the platform until it is told to stop, without losing a request then',
        options: [
          ['-p, --port <port>', 'port to listen on (default: 8080; CORDON_HTTP_PORT, PORT)'],
          ['--host <address>', 'address to listen on (default: 127.0.0.1; CORDON_HTTP_HOST)'],
          databaseUrl,
        ],
        examples: ['cordon serve', 'cordon serve --port 9000 --data-dir /var/lib/cordon', 'NODE_ENV=production cordon serve'],
        note:
          'SIGTERM, SIGINT and SIGHUP stop it: running requests are finished (http.graceMs), a second signal stops at once. A socket that systemd passes on is used\n' +
          'instead of port and host. Exit code 0 after every request was answered, 1 when some were cut; see docs/guides/operations.md.',
      },
      async (context, options) => (await import('../serve/serve.ts')).serve(context, options),
    ),
    command<[]>(
      {
        usage: 'doctor',
        description: 'look at what the platform needs, and say what to do where something is missing',
        examples: ['cordon doctor', 'cordon doctor --json', 'cordon doctor --url https://functions.example.com'],
        note: 'Exit code 1 when something is wrong. It changes nothing; a database is tried out in a temporary directory.',
      },
      async (context) => (await import('../commands/doctor.ts')).doctor(context),
    ),
    command<[DbOptions]>(
      {
        usage: 'config',
        description: 'print every option of the local platform and where it comes from',
        options: [databaseUrl],
        examples: ['cordon config', 'cordon config --config production.config.ts'],
      },
      async (context, options) => (await import('../commands/config.ts')).config(context, options),
    ),
    command<[string | undefined, BackupCommandOptions]>(
      {
        usage: 'backup [file]',
        description: 'write everything that the local platform has into one file, while it runs or not',
        options: [databaseUrl],
        examples: ['cordon backup                          # ./cordon-20260102T030405Z.backup', 'cordon backup /backups/monday.backup'],
        note: 'The keys of secrets are not in it: keep secrets.key of the data directory (or the value of secretsKey) in another place.',
      },
      async (context, file, options) => (await import('../commands/backup.ts')).backup(context, file, options),
    ),
    command<[string, BackupCommandOptions]>(
      {
        usage: 'restore <file>',
        description: 'make the platform of a backup anew, where there is none',
        options: [databaseUrl],
        examples: [
          'cordon restore monday.backup --data-dir ./fresh',
          'cordon restore monday.backup --database-url postgres://cordon@db.example.com/cordon',
        ],
      },
      async (context, file, options) => (await import('../commands/restore.ts')).restore(context, file, options),
    ),
    command<[MigrateOptions]>(
      {
        usage: 'migrate',
        description: 'copy the local platform, stopped, into the database of a server',
        required: [['--to <url>', 'postgres://… of a database that has no platform']],
        options: [databaseUrl],
        examples: ['cordon migrate --to postgres://cordon@db.example.com/cordon'],
        note: 'The platform that is copied stays as it is. Run the command again when it was interrupted.',
      },
      async (context, options) => (await import('../commands/migrate.ts')).migrate(context, options),
    ),
    db,
  ],
}
