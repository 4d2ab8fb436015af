import { databaseStatus, type DatabaseStatus } from '@cordon/core/database'
import type { ExitCode } from '../../exit-code.ts'
import { escapeLine } from '../../output/escape.ts'
import type { CommandContext } from '../command.ts'
import { targetOf, type DbOptions } from './target.ts'

/** `cordon db status`: whether the database runs, where, and how much there is in it. Exit code 3 when it does not run. */
export async function status(context: CommandContext, options: DbOptions): Promise<ExitCode> {
  const found = await databaseStatus(await targetOf(context, options))
  const { terminal } = context
  if (context.options.json === true) terminal.print(JSON.stringify(found))
  else for (const [name, value] of linesOf(found)) terminal.print(`${name.padEnd(12)}${escapeLine(value)}`)
  return found.state === 'running' ? 0 : 3
}

function linesOf(found: DatabaseStatus): (readonly [string, string])[] {
  const { databases = [], connections, version, hostPid, startedAt } = found
  const lines: (readonly [string, string | undefined])[] = [
    ['state', found.state === 'absent' ? 'absent: no platform was started on this data directory yet' : found.state],
    ['kind', found.kind],
    ['version', version === undefined ? undefined : `PostgreSQL ${version}`],
    ['where', found.where],
    ['pid', found.pid?.toString()],
    ['platform', hostPid === undefined ? undefined : `process ${hostPid}`],
    ['started', startedAt === undefined ? undefined : new Date(startedAt).toISOString()],
    ['socket', found.socket],
    ['log', found.logFile],
    ...databases.map(({ name, bytes }) => ['database', `${name} ${(bytes / 1e6).toFixed(1)} MB`] as const),
    ['connections', connections === undefined ? undefined : `${connections.used} of ${connections.max}`],
  ]
  return lines.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}
