import { command, type CommandFamily } from './command-spec.ts'

/** What sets the values of `ctx.secrets`. */
export const secretCommands: CommandFamily = {
  family: 'secrets',
  description: 'set, list and remove the secrets of functions',
  commands: [
    command<[]>({ usage: 'list', description: 'list the secrets, without their values', examples: ['cordon secrets list'] }, async (context) =>
      (await import('../commands/secrets.ts')).listSecrets(context),
    ),
    command<[string]>(
      {
        usage: 'set <name>',
        description: 'set a secret; its value is asked for, or read from standard input',
        examples: ['cordon secrets set API_KEY', 'cordon secrets set TLS_KEY < key.pem'],
        note: 'A line feed at the end of standard input is left out. Functions that run have the new value with their next call.',
      },
      async (context, name) => (await import('../commands/secrets.ts')).setSecret(context, name),
    ),
    command<[string]>(
      { usage: 'remove <name>', description: 'remove a secret', examples: ['cordon secrets remove API_KEY'] },
      async (context, name) => (await import('../commands/secrets.ts')).removeSecret(context, name),
    ),
  ],
}
