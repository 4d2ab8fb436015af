import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Changes with the release that is installed, the machine and the user: a database that was made under another name is not used again. */
export function platformBuild(): string {
  return hash([
    process.arch,
    process.platform,
    process.getuid?.(),
    readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
  ])
}

/** Changes with the code of the analyzer, too: what another one said of an upload is not used again. */
export function analyzerBuild(): string {
  // What analyzer processes run is one file.
  const program = join(dirname(createRequire(import.meta.url).resolve('@cordon/analyzer')), 'child.js')
  return hash([platformBuild(), statSync(program).mtimeMs])
}

function hash(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}
