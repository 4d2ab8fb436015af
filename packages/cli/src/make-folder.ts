import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Like `mkdir` with `recursive`, which never returns where a parent exists and nothing can be made in it (/proc). */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    // What is missing is a parent, as long as it is made by this: then the second attempt says what is wrong.
    if (code !== 'ENOENT' || dirname(path) === path || (await isFolder(dirname(path)))) throw error
    await makeFolder(dirname(path))
    await makeFolder(path)
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true
}
