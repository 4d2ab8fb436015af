import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runNpm } from './npm.mjs'
import { explainFileError, SetupProblem } from './problem.mjs'
import { listPackageFolders } from './workspace.mjs'

/**
 * True when `node_modules` is what `package-lock.json` says. The truth is npm's own record (`node_modules/.package-lock.json`,
 * written last), so a deleted package and a changed lock file count as not installed, and so does an install that never ended.
 *
 * @param {string} folder
 */
export function isInstalled(folder) {
  const lockText = readText(join(folder, 'package-lock.json'))
  const recordText = readText(join(folder, 'node_modules', '.package-lock.json'))
  if (lockText === null || recordText === null || existsSync(markPath(folder))) return false
  if (!isLockCurrent(folder, JSON.parse(lockText))) return false
  const tolerated = toleratedOptional(folder, lockText)
  const recorded = JSON.parse(recordText).packages
  return missingPackages(folder, JSON.parse(lockText).packages, recorded).every((path) => tolerated.has(path))
}

/** @returns {string[]} paths of packages that should be there and are not, or have another version */
function missingPackages(folder, locked, recorded) {
  const missing = []
  for (const [path, entry] of Object.entries(locked)) {
    if (!path.includes('node_modules/') || !isWanted(entry)) continue
    const version = recorded[path]?.version
    const manifest = join(folder, path, 'package.json')
    if ((!entry.link && version !== entry.version) || !existsSync(manifest)) missing.push(path)
  }
  return missing
}

/** Optional packages are wanted when they are made for this very platform; helpers of optional packages come and go with them. */
function isWanted(entry) {
  if (!entry.optional) return true
  return entry.libc === undefined && includes(entry.os, process.platform) && includes(entry.cpu, process.arch)
}

function includes(list, value) {
  return Array.isArray(list) && list.includes(value)
}

/** The lock file describes the manifests as they are now: the same dependencies in the root and in every workspace package. */
function isLockCurrent(folder, lock) {
  return ['', ...listPackageFolders(folder)].every((path) => {
    const manifest = JSON.parse(readFileSync(join(folder, path, 'package.json'), 'utf8'))
    const locked = lock.packages?.[path]
    return locked !== undefined && groups.every((group) => sameEntries(manifest[group], locked[group]))
  })
}

const groups = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']

function sameEntries(left = {}, right = {}) {
  const names = Object.keys(left)
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name])
}

/** An optional package that npm could not install for this lock file is not asked for again. */
function toleratedOptional(folder, lockText) {
  const text = readText(stampPath(folder))
  if (text === null) return new Set()
  const stamp = JSON.parse(text)
  return new Set(stamp.lock === hash(lockText) ? stamp.missing : [])
}

/**
 * Installs the packages with npm: the versions of the lock file, which stays as it is when it fits the manifests. Not `npm ci`,
 * which refuses a lock file without the packages of a platform that the registry in use does not have. What `npm ci` is good for
 * is done here: what an interrupted install left is removed first. Install scripts are never run: nothing here needs them.
 *
 * @param {string} folder
 * @param {{ command: string, onPid?: (pid: number) => void }} options `command`: what to tell the user to run again
 */
export async function install(folder, { command, onPid }) {
  const lockText = readText(join(folder, 'package-lock.json'))
  const isExact = lockText !== null && isLockCurrent(folder, JSON.parse(lockText))
  const modules = join(folder, 'node_modules')
  try {
    if (existsSync(markPath(folder)) || !existsSync(join(modules, '.package-lock.json'))) rmSync(modules, { recursive: true, force: true })
    mkdirSync(modules, { recursive: true })
    writeFileSync(markPath(folder), '')
  } catch (error) {
    throw explainFileError(error, 'install the packages', modules)
  }
  try {
    await runNpm(folder, ['install', ...(isExact ? ['--no-save'] : []), ...flags], { command, onPid })
  } finally {
    // An npm that failed by itself has put things back; only after a death in the middle the mark stays.
    rmSync(markPath(folder), { force: true })
  }
  recordMissing(folder)
  if (!isInstalled(folder))
    throw new SetupProblem(
      `Cannot install the packages: npm reported success, but node_modules does not match package-lock.json. Delete node_modules and run "${command}" again.`,
    )
}

/** There while an install runs: after one that was killed, npm would trust packages that are only half written. */
function markPath(folder) {
  return join(folder, 'node_modules', '.cordon-installing')
}

/** Development packages are part of the set-up also where NODE_ENV or npm's own settings leave them out. */
const flags = [
  '--include=dev',
  '--include=optional',
  '--include=peer',
  '--ignore-scripts',
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--loglevel=error',
]

function recordMissing(folder) {
  const lockText = readText(join(folder, 'package-lock.json'))
  const recordText = readText(join(folder, 'node_modules', '.package-lock.json'))
  if (lockText === null || recordText === null) return
  const locked = JSON.parse(lockText).packages
  const missing = missingPackages(folder, locked, JSON.parse(recordText).packages).filter((path) => locked[path].optional)
  try {
    mkdirSync(join(folder, 'node_modules', '.cache', 'cordon'), { recursive: true })
    writeFileSync(stampPath(folder), JSON.stringify({ lock: hash(lockText), missing }))
  } catch (error) {
    throw explainFileError(error, 'set up Cordon', stampPath(folder))
  }
}

function stampPath(folder) {
  return join(folder, 'node_modules', '.cache', 'cordon', 'install.json')
}

function hash(text) {
  return createHash('sha256').update(text).digest('hex')
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}
