import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listInputs, listOutputs, removeOrphans } from './build-files.mjs'
import { runChild } from './child.mjs'
import { explainFileError, SetupProblem } from './problem.mjs'
import { reportProgress } from './progress.mjs'

/**
 * True when everything was built from the files as they are now. Names, sizes and times of the sources are compared with the
 * last finished build, and every output has to be there; reading the sources is left to `tsc -b`.
 *
 * @param {string} folder
 */
export function isBuilt(folder) {
  const stamp = readStamp(folder)
  return stamp !== null && stamp === fingerprint(folder) && listOutputs(folder).every((path) => existsSync(path))
}

/**
 * Compiles every package and bundles what sandboxes and analyzer processes run.
 *
 * @param {string} folder
 * @param {{ command: string, onPid?: (pid: number) => void }} options `command`: what to tell the user to run again
 */
export async function build(folder, { command, onPid }) {
  const before = fingerprint(folder)
  try {
    rmSync(stampPath(folder), { force: true })
    removeOrphans(folder)
  } catch (error) {
    throw explainFileError(error, 'build Cordon', folder)
  }
  const progress = reportProgress('Building')
  const steps = [
    [join('node_modules', 'typescript', 'bin', 'tsc'), '-b'],
    [join('tools', 'build', 'bundle-runtime.mjs')],
    [join('tools', 'build', 'bundle-analyzer.mjs')],
  ]
  for (const [script, ...args] of steps) {
    if (!existsSync(join(folder, script))) continue
    const { code, output } = await runChild(process.execPath, [script, ...args], { cwd: folder, onPid })
    if (code === 0) continue
    progress.end(false)
    throw new SetupProblem(
      `${output.trim()}\nCannot build Cordon: ${script} ended with code ${code} (its words are above). Solve that, then run "${command}" again.`,
    )
  }
  progress.end(true)
  // A source that changed during the build makes the next start build again.
  mkdirSync(join(folder, 'node_modules', '.cache', 'cordon'), { recursive: true })
  writeFileSync(stampPath(folder), before)
}

function fingerprint(folder) {
  const hash = createHash('sha256')
  for (const { path, size, mtimeMs } of listInputs(folder)) hash.update(`${path}\0${size}\0${mtimeMs}\n`)
  return hash.digest('hex')
}

function readStamp(folder) {
  try {
    return readFileSync(stampPath(folder), 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

function stampPath(folder) {
  return join(folder, 'node_modules', '.cache', 'cordon', 'build.txt')
}
