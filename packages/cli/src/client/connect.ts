import { resolve } from 'node:path'
import { readHostFile } from '@cordon/adapters/node'
import { usageFailure } from '../exit-code.ts'
import type { CommandContext } from '../commands/command.ts'
import { settingsOf } from '../settings.ts'
import type { Client } from './client.ts'
import { createEmbeddedClient } from './embedded-client.ts'
import { createHttpClient } from './http-client.ts'

/** Where the platform is, as the global options say it. */
export interface Target {
  readonly url?: string | undefined
  readonly token?: string | undefined
  readonly dataDir?: string | undefined
  /** The config file of the local platform. */
  readonly config?: string | undefined
}

/** The data directory when nothing is said; the default of `createPlatform`. */
export const defaultDataDir = './.cordon'

/**
 * Finds the platform: the one at `--url`, else the host that runs on the data directory, else the directory itself, with
 * the settings of this place.
 *
 * @throws CommandFailure, PlatformError (DATA_DIR_IN_USE and others) when the directory cannot be opened
 */
export async function connect(context: CommandContext): Promise<Client> {
  const target: Target = context.options
  const elsewhere = urlOf(context)
  if (elsewhere !== undefined) return createHttpClient(elsewhere)
  const { options } = await settingsOf(context)
  const dataDir = resolve(options.dataDir ?? defaultDataDir)
  const host = await readHostFile(dataDir)
  if (host !== undefined && isAlive(host.pid)) {
    const client = createHttpClient({ url: host.url, token: target.token ?? host.token })
    if (await answers(client)) return client
  }
  const { createPlatform } = await import('@cordon/core')
  return createEmbeddedClient(await createPlatform(options))
}

/** The platform elsewhere that the options or the environment name. @throws CommandFailure with exit code 2 for what is no URL */
export function urlOf({ options }: CommandContext): { readonly url: string; readonly token: string | undefined } | undefined {
  const url = options.url ?? process.env['CORDON_URL']
  if (url === undefined) return undefined
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw usageFailure(`Cannot use --url "${url}": expected http://… or https://…`)
  return { url, token: options.token ?? process.env['CORDON_TOKEN'] }
}

/** The file of a host that was killed names a process that is gone, or by now another one. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function answers(client: Client): Promise<boolean> {
  try {
    const response = await client.request('/api/functions', { method: 'HEAD', signal: AbortSignal.timeout(answerMs) })
    return response.ok
  } catch {
    return false
  }
}

/** A host on the same machine that does not answer in this time, in milliseconds, is not one. */
const answerMs = 2000
