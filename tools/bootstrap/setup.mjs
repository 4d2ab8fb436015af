import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isBuilt, build } from './build-step.mjs'
import { isInstalled, install } from './install-step.mjs'
import { withLock } from './lock.mjs'

/** Folder of the repository. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/**
 * Installs and builds what is missing or stale. When nothing is, it costs some file stats and takes no lock; otherwise one
 * process at a time does the work and the others wait and look again.
 *
 * @param {{ command: string, mustBuild?: boolean, folder?: string }} options `command`: what to tell the user to run again; `folder`: the repository, for tests
 */
export async function setUp({ command, mustBuild = false, folder = root }) {
  if (!mustBuild && isInstalled(folder) && isBuilt(folder)) return
  await withLock(join(folder, '.bootstrap.lock'), async (share) => {
    if (!isInstalled(folder)) await install(folder, { command, onPid: share })
    if (mustBuild || !isBuilt(folder)) await build(folder, { command, onPid: share })
  })
}
