/** Installs what the benchmarks compare with, on first use, outside the workspace: nobody needs 180 MB of peers for `npm test`. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const source = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../', import.meta.url))
const lock = readFileSync(join(source, 'package-lock.json'))
const folder = join(root, 'node_modules/.cache/cordon', `peers-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`)

/** Imports a peer, after installing all of them if need be. Throws where it cannot be had. */
export async function importPeer(name) {
  return import(pathToFileURL(resolvePeer(name)).href)
}

/** The file that `require(name)` would load. */
export function resolvePeer(name) {
  install()
  return createRequire(join(folder, 'package.json')).resolve(name)
}

let failure

function install() {
  if (failure !== undefined) throw failure
  if (existsSync(folder)) return
  console.log(`# installing the peers in ${folder.slice(root.length)}`)
  const draft = `${folder}.${process.pid}`
  mkdirSync(draft, { recursive: true })
  try {
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(source, file), join(draft, file))
    // No install script is run, as everywhere in the repository: all peers carry their binaries. The folder is named because npm takes
    // the one above node_modules otherwise. Not `npm ci`: it wants the binaries of all platforms in the lock file, and no registry has to keep them all.
    const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', draft]
    const { status, stderr, error } = spawnSync('npm', args, { cwd: draft, encoding: 'utf8' })
    if (status !== 0) throw new Error(`npm could not install it: ${error?.message ?? stderr.trim().split('\n')[0]}`)
    renameSync(draft, folder)
  } catch (error) {
    throw (failure = error)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}
