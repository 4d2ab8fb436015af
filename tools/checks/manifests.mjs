import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { listPackageFolders } from '../bootstrap/workspace.mjs'
import { listPackages, readJson } from './sources.mjs'

/**
 * Every path a package promises (`exports`, `bin`) exists after a build and is packed, and the fields that all packages share are the same.
 *
 * @param {string} folder the repository, built
 * @returns {string[]}
 */
export function checkManifests(folder) {
  const root = readJson(join(folder, 'package.json'))
  const problems = []
  for (const { path, manifest } of listPackages(folder)) {
    const promised = [...targetsOf(manifest.exports), ...targetsOf(manifest.bin)]
    if (manifest.exports === undefined) problems.push(`${path}/package.json has no exports.`)
    for (const target of promised) {
      if (!existsSync(join(folder, path, target))) problems.push(`${path}/package.json promises ${target}, which the build does not make.`)
      const isPacked = (manifest.files ?? []).some(
        (entry) => posix.normalize(target) === posix.normalize(entry) || posix.normalize(target).startsWith(`${posix.normalize(entry)}/`),
      )
      if (!isPacked) problems.push(`${path}/package.json promises ${target}, which is not among its "files".`)
    }
    if (manifest.engines?.node !== root.engines.node)
      problems.push(`${path}/package.json has engines.node "${manifest.engines?.node}", the root "${root.engines.node}".`)
    if (manifest.license !== root.license) problems.push(`${path}/package.json has another license than the root.`)
    if (manifest.type !== 'module') problems.push(`${path}/package.json is not "type": "module".`)
    if (!manifest.description) problems.push(`${path}/package.json has no description.`)
    problems.push(...checkReferences(folder, path, manifest))
  }
  return problems
}

/** `tsc -b` builds in the order of the references: they name the workspace packages that the manifest names. */
function checkReferences(folder, path, manifest) {
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter((name) => name.startsWith('@cordon/'))
  const referenced = (readJson(join(folder, path, 'tsconfig.json')).references ?? []).map((reference) => `@cordon/${posix.basename(reference.path)}`)
  const all = (readJson(join(folder, 'tsconfig.json')).references ?? []).map((reference) => reference.path)
  return [
    ...declared
      .filter((name) => !referenced.includes(name))
      .map((name) => `${path}/tsconfig.json does not reference ${name}, which the package depends on.`),
    ...referenced
      .filter((name) => !declared.includes(name))
      .map((name) => `${path}/tsconfig.json references ${name}, which the package does not depend on.`),
    ...[path, `${path}/test`]
      .filter((one) => existsSync(join(folder, one, 'tsconfig.json')) && !all.includes(one))
      .map((one) => `tsconfig.json does not reference ${one}.`),
  ]
}

/**
 * The lock file fits the manifests and names no registry but the public one, so that it works for everybody.
 *
 * @param {string} folder the repository
 * @returns {string[]}
 */
export function checkLockFile(folder) {
  const { packages } = readJson(join(folder, 'package-lock.json'))
  const problems = []
  for (const path of ['', ...listPackageFolders(folder)]) {
    const manifest = readJson(join(folder, path, 'package.json'))
    for (const group of ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']) {
      if (JSON.stringify(sorted(manifest[group])) !== JSON.stringify(sorted(packages[path]?.[group]))) {
        problems.push(`package-lock.json does not fit ${join(path, 'package.json')} (${group}): run "npm install".`)
      }
    }
  }
  for (const [path, { resolved, link }] of Object.entries(packages)) {
    if (!link && resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'))
      problems.push(`package-lock.json takes ${path} from ${new URL(resolved).host}.`)
  }
  return problems
}

function sorted(group = {}) {
  return Object.entries(group).sort(([left], [right]) => left.localeCompare(right))
}

function targetsOf(value) {
  if (typeof value === 'string') return [value]
  if (value === null || typeof value !== 'object') return []
  return Object.values(value).flatMap(targetsOf)
}
