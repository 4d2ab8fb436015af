import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { functionName, isRecord } from '@cordon/contracts'
import { nameOf, sourceExtensions } from '@cordon/core/upload'

/** The functions of a folder and what could not be one. */
export interface Scan {
  /** Absolute path of the file or folder by function name. */
  readonly functions: ReadonlyMap<string, string>
  /** One sentence per file or folder that was passed over. */
  readonly notes: readonly string[]
}

/** Helpers, tests and declarations are not functions. */
const notFunction = /^[._]|\.d\.[cm]?ts$|\.(test|spec)\.[^.]+$|\.config\.[^.]+$/

/** Finds the functions of a folder: every source file and every sub-folder that has an entry file. */
export async function scan(folder: string): Promise<Scan> {
  const functions = new Map<string, string>()
  const notes: string[] = []
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (notFunction.test(entry.name) || entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory() ? !(await hasEntry(path)) : !isSource(entry.name)) continue
    const name = nameOf(path)
    if (!functionName.test(name))
      notes.push(`Cannot use "${entry.name}" as a function: its name is not 1 to 63 letters, digits, - and _, starting with a letter`)
    else if (functions.has(name)) notes.push(`Cannot use "${entry.name}" as a function: there is another one called "${name}"`)
    else functions.set(name, path)
  }
  return { functions, notes }
}

async function hasEntry(folder: string): Promise<boolean> {
  // The folder may be gone between the two looks.
  const names = await readdir(folder).catch((): string[] => [])
  if (names.some((name) => /^index\.([cm]?[jt]s|tsx|jsx)$/.test(name))) return true
  return names.includes('package.json') && namesMain(await readFile(join(folder, 'package.json'), 'utf8').catch(() => ''))
}

/** Most folders with a `package.json` are programs or libraries; one that names its main file may be a function. */
function namesMain(manifest: string): boolean {
  try {
    const value: unknown = JSON.parse(manifest)
    return isRecord(value) && typeof value['main'] === 'string'
  } catch {
    return false
  }
}

function isSource(name: string): boolean {
  return sourceExtensions.some((extension) => name.endsWith(extension))
}
