import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** File that piscina runs in a thread. */
export const threadEntry = fileURLToPath(new URL('entry/sandbox-thread.js', import.meta.url))

/**
 * Flags of Node for one thread. The permission model holds for the thread alone (tried on Node 20, 22, 24 and 26): no file but the code of
 * piscina and of the runtime can be read, nothing written, no process or thread started by Node's own functions.
 */
export function threadFlags(): string[] {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission'
  const piscina = dirname(createRequire(import.meta.url).resolve('piscina'))
  const readable = [`${piscina}/*`, `${fileURLToPath(new URL('..', import.meta.url))}*`]
  return [flag, ...readable.map((path) => `--allow-fs-read=${path}`), '--no-addons', '--no-warnings']
}
