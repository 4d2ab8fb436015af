import { functionPath, exchange, withClient, type CommandContext } from './command.ts'
import type { ExitCode } from '../exit-code.ts'
import { formatCapabilities } from '../output/capabilities.ts'
import { formatDiagnostics } from '../output/diagnostics.ts'
import { escapeLine } from '../output/escape.ts'
import { createDeployRequest, type DeployOptions } from '../upload/deploy-request.ts'
import { nameOf } from '@cordon/core/upload'

/** `cordon deploy <path>`: makes a file, a folder or an archive the live version of a function. */
export async function deploy(context: CommandContext, path: string, options: Partial<DeployOptions>): Promise<ExitCode> {
  const { terminal } = context
  // Read first: a wrong path is said without starting a database.
  const request = await createDeployRequest(path, { ...options, name: options.name ?? nameOf(path) })
  return withClient(context, (client) =>
    exchange(context, { client, path: functionPath('deploy'), init: request.init }, (answer) => {
      const diagnostics = formatDiagnostics(answer['diagnostics'], terminal)
      if (diagnostics !== '') terminal.note(diagnostics)
      const state = answer['created'] === false ? 'unchanged' : 'deployed'
      terminal.print(`${terminal.colors.green(state)} ${escapeLine(String(answer['name']))} ${escapeLine(String(answer['version']))}`)
      if (Array.isArray(answer['migrations'])) {
        for (const name of answer['migrations']) terminal.print(`  migrated ${escapeLine(String(name))}`)
      }
      for (const line of formatCapabilities(answer['capabilities'])) terminal.print(line)
    }),
  )
}
