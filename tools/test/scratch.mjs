import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Makes a temporary folder with these files; `remove` deletes it.
 *
 * @param {Record<string, string | object>} files path -> text, or data that is written as JSON
 */
export function createScratch(files = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cordon-tools-'))
  function write(path, content) {
    const target = join(folder, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, typeof content === 'string' ? content : JSON.stringify(content))
    return target
  }
  for (const [path, content] of Object.entries(files)) write(path, content)
  return {
    folder,
    write,
    remove() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
