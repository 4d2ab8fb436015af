import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { impliedDependencies } from './arrows-table.mjs'
import { listFiles, listPackages, packageOf, parseImports, readJson } from './sources.mjs'

/**
 * Every package a file imports is declared where it has to be, and every declared package is imported: npm's hoisting hides both mistakes.
 *
 * @param {string} folder the repository
 * @returns {string[]}
 */
export function checkDependencies(folder) {
  const rootManifest = readJson(join(folder, 'package.json'))
  const problems = []
  for (const { path, manifest } of listPackages(folder)) {
    const runtime = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies }
    const used = importedBy(folder, `${path}/src`).concat(importedBy(folder, `${path}/bin`))
    for (const { name, place } of used) {
      if (name !== manifest.name && runtime[name] === undefined)
        problems.push(`${place} imports ${name}, which ${path}/package.json does not declare as a dependency.`)
    }
    const development = { ...runtime, ...manifest.devDependencies, ...rootManifest.devDependencies }
    for (const { name, place } of importedBy(folder, `${path}/test`)) {
      if (name !== manifest.name && development[name] === undefined)
        problems.push(`${place} imports ${name}, which neither ${path}/package.json nor the root declares.`)
    }
    const names = new Set(used.map(({ name }) => name))
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      if (!names.has(name) && !isImplied(name)) problems.push(`${path}/package.json declares ${name}, which nothing in ${path}/src imports.`)
    }
    problems.push(...inexactVersions(path, manifest))
  }
  problems.push(...inexactVersions('the root', rootManifest))
  return problems
}

/**
 * Every runtime dependency has its reason written down: a file in `docs/decisions` names it in backticks.
 *
 * @param {string} folder the repository
 * @returns {string[]}
 */
export function checkDecisions(folder) {
  const decisions = join(folder, 'docs', 'decisions')
  const texts = existsSync(decisions) ? readdirSync(decisions).map((name) => readFileSync(join(decisions, name), 'utf8')) : []
  const problems = []
  for (const { path, manifest } of listPackages(folder)) {
    const groups = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies }
    for (const name of Object.keys(groups)) {
      if (name.startsWith('@cordon/')) continue
      const family = `\`${name.split('/')[0]}/`
      const isNamed = texts.some((text) => text.includes(`\`${name}\``) || (isImplied(name) && text.includes(family)))
      if (!isNamed) problems.push(`${path}/package.json depends on ${name}, and no file in docs/decisions says why.`)
    }
  }
  return [...new Set(problems)]
}

function importedBy(folder, below) {
  return listFiles(join(folder, below), (name) => /\.[cm]?[jt]s$/.test(name)).flatMap((name) => {
    const file = `${below}/${name}`
    return parseImports(readFileSync(join(folder, file), 'utf8'))
      .filter(({ specifier }) => !/^(node:|\.|\/|data:|file:)/.test(specifier) && !builtinModules.includes(specifier))
      .map(({ specifier, line }) => ({ name: packageOf(specifier), place: `${file}:${line}` }))
  })
}

function isImplied(name) {
  return Object.keys(impliedDependencies).some((pattern) => (pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}

/** Peer dependencies are ranges by nature; everything that is installed is one exact version, also under another name. */
function inexactVersions(path, manifest) {
  const installed = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies }
  return Object.entries(installed)
    .filter(([, version]) => !/^(npm:[\w./@-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${path} declares ${name} as "${version}": write one exact version.`)
}
