import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Changes with the code that is installed and with the machine and user it runs for: what was made under another name is not used again. */
export function platformBuild(): string {
  const require = createRequire(import.meta.url)
  const parts = [
    process.arch,
    process.platform,
    process.getuid?.(),
    readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
    // What analyzer processes run is one file.
    statSync(join(dirname(require.resolve('@cordon/analyzer')), 'child.js')).mtimeMs,
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}
