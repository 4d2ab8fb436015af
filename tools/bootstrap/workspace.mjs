import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Folders of the workspace packages, relative to the repository: `packages/*`, `examples/*`, `examples/testing/*` and `bench`, as the root manifest lists them.
 *
 * @param {string} folder
 * @returns {string[]}
 */
export function listPackageFolders(folder) {
  const found = existsSync(join(folder, 'bench', 'package.json')) ? ['bench'] : []
  for (const parent of ['packages', 'examples', 'examples/testing']) {
    if (!existsSync(join(folder, parent))) continue
    for (const name of readdirSync(join(folder, parent))) {
      if (existsSync(join(folder, parent, name, 'package.json'))) found.push(`${parent}/${name}`)
    }
  }
  return found.sort()
}
