import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderBlocks } from './reference-tables.mjs'

/** Documents with generated tables, between `<!-- table: name -->` and `<!-- end of table -->`. */
export const referenceFiles = [
  'docs/reference/platform-options.md',
  'docs/reference/function-config.md',
  'docs/reference/rules.md',
  'docs/reference/cli.md',
]

/**
 * The tables in the reference are what the option tables of the contracts, the rules and the declarations of the commands say. `npm run docs` writes them anew.
 *
 * @param {string} folder the repository
 * @param {Record<string, any>} contracts the built package, with the `rules` of the analyzer and the `commands` of the command line
 * @returns {string[]}
 */
export function checkReference(folder, contracts) {
  return referenceFiles.flatMap((name) => {
    if (!existsSync(join(folder, name))) return [`${name} is not there.`]
    const text = readFileSync(join(folder, name), 'utf8')
    return renderBlocks(folder, text, contracts) === text ? [] : [`${name} differs from the code: run "npm run docs".`]
  })
}
