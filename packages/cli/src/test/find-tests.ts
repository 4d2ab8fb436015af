import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { usageFailure } from '../exit-code.ts'

const testFile = /\.test\.(ts|tsx|mts|js|mjs)$/

/**
 * The test files that `paths` name: files as they are, folders with all `*.test.{ts,tsx,mts,js,mjs}` below them, without `node_modules` and what begins
 * with a dot. Absolute, sorted, each once.
 *
 * @throws CommandFailure with exit code 2 when a path is not there, or nothing is found
 */
export async function findTests(paths: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const given of paths.length === 0 ? ['.'] : paths) {
    const path = resolve(given)
    const info = await stat(path).catch(() => undefined)
    if (info === undefined) throw usageFailure(`Cannot test "${given}": there is no such file or folder`)
    if (info.isFile()) found.add(path)
    else for (const one of await below(path)) found.add(one)
  }
  if (found.size === 0) throw usageFailure('Cannot find a test: no file here ends with .test.ts, .test.mts, .test.js or .test.mjs')
  return [...found].toSorted()
}

async function below(folder: string): Promise<string[]> {
  // A folder that may not be read, or that is gone by now, has no tests.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && !entry.name.startsWith('.')) found.push(...(await below(path)))
    } else if (testFile.test(entry.name)) found.push(path)
  }
  return found
}
