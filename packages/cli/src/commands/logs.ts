import { isRecord } from '@cordon/contracts'
import type { Client } from '../client/client.ts'
import { CommandFailure, exitCodeOf, usageFailure, type ExitCode } from '../exit-code.ts'
import { formatLogEntry } from '../output/log-line.ts'
import { formatProblem } from '../output/problem.ts'
import { onStopSignal } from '../stop-signal.ts'
import { exchange, functionPath, itemsOf, withClient, type CommandContext } from './command.ts'

/** Options of `cordon logs`. */
export interface LogsOptions {
  readonly follow?: boolean | undefined
  readonly level?: string | undefined
  readonly limit?: string | undefined
  readonly since?: string | undefined
}

/** `cordon logs [name]`: what functions logged, oldest first; with `--follow` also what comes. */
export async function logs(context: CommandContext, name: string | undefined, options: LogsOptions): Promise<ExitCode> {
  const params = new URLSearchParams()
  for (const key of ['level', 'limit', 'since'] as const) {
    const value = options[key]
    if (value !== undefined) params.set(key, value)
  }
  const path = name === undefined ? '/api/logs' : functionPath(name, '/logs')
  return withClient(context, async (client) => {
    if (options.follow !== true) {
      return exchange(context, { client, path: `${path}?${params.toString()}` }, (answer) => {
        const entries = itemsOf(answer)
        if (entries.length === 0) context.terminal.note('Nothing was logged, as far as these filters go')
        for (const entry of entries.toReversed()) context.terminal.print(formatLogEntry(entry, context.terminal))
      })
    }
    params.set('follow', 'true')
    return follow(context, client, `${path}?${params.toString()}`)
  })
}

async function follow(context: CommandContext, client: Client, path: string): Promise<ExitCode> {
  const stop = new AbortController()
  const release = onStopSignal(() => stop.abort())
  try {
    const response = await client.request(path, { signal: stop.signal })
    if (!response.ok) {
      const problem: unknown = await response.json()
      context.terminal.note(context.options.json === true ? JSON.stringify(problem) : formatProblem(problem, context.terminal))
      return exitCodeOf(isRecord(problem) && typeof problem['code'] === 'string' ? problem['code'] : undefined)
    }
    for await (const line of linesOf(response))
      context.terminal.print(context.options.json === true ? line : formatLogEntry(JSON.parse(line), context.terminal))
    if (stop.signal.aborted) return 0
    throw platformGone()
  } catch (error) {
    // Ctrl-C is how following ends.
    if (stop.signal.aborted) return 0
    // What `fetch` says of a connection that was cut in the middle of a body.
    throw error instanceof TypeError && error.message === 'terminated' ? platformGone() : error
  } finally {
    release()
  }
}

/** Logs have no end of their own: when they end, the platform did. */
function platformGone(): CommandFailure {
  return new CommandFailure('Cannot follow the logs any longer: the platform has stopped', 3)
}

/** A log entry is far shorter; whoever sends more without a line feed is not a platform. */
const maxLineLength = 10_000_000

async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLineLength) throw usageFailure('Cannot read the logs: the answer is not one entry a line')
    yield* lines.filter((line) => line !== '')
  }
}
