import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { arrows, pureFiles } from './arrows-table.mjs'
import { findCycles } from './cycles.mjs'
import { listFiles, listPackages, packageOf, parseImports } from './sources.mjs'

/**
 * Holds every import of every package against the table of arrows: who may import whom, through which door, without cycles.
 *
 * @param {string} folder the repository
 * @returns {string[]} one sentence per wrong import
 */
export function checkArrows(folder) {
  const packages = listPackages(folder)
  const problems = packages.flatMap((pack) => (arrows[pack.short] === undefined ? [`${pack.path} has no row in tools/checks/arrows-table.mjs.`] : []))
  for (const pack of packages) {
    const graph = new Map()
    for (const path of listFiles(join(folder, pack.path, 'src'), (name) => name.endsWith('.ts'))) {
      const file = `${pack.path}/src/${path}`
      const edges = []
      for (const { specifier, line, isType } of parseImports(readFileSync(join(folder, file), 'utf8'))) {
        const problem = judge({ specifier, file, pack, packages })
        if (problem !== null) problems.push(`${file}:${line} ${problem}`)
        // A type may point back (a class and its helpers): nothing of it is there at run time.
        if (specifier.startsWith('.') && !isType) edges.push(posix.join(posix.dirname(file), specifier))
      }
      graph.set(file, edges)
    }
    problems.push(...findCycles(graph).map((cycle) => `These files import each other in a circle: ${cycle.join(' -> ')}.`))
  }
  return problems
}

/** @returns {string | null} what is wrong with one import */
function judge({ specifier, file, pack, packages }) {
  if (specifier.startsWith('.')) return judgeRelative({ specifier, file, pack })
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) {
    if (!specifier.startsWith('node:')) return `imports "${specifier}": write "node:${specifier}".`
    return pureFiles.some((prefix) => file.startsWith(prefix)) ? `imports "${specifier}", but ${dirname(file)} uses no Node built-in.` : null
  }
  const target = packages.find((one) => one.name === packageOf(specifier))
  if (target === undefined) return null
  if (target === pack) return `imports its own package by name ("${specifier}"): use a relative path.`
  if (!(arrows[pack.short] ?? []).includes(target.short))
    return `imports ${target.name}: packages/${pack.short} may import ${list(arrows[pack.short] ?? [])}.`
  const door = `.${specifier.slice(target.name.length)}`
  return target.manifest.exports?.[door] === undefined ? `imports "${specifier}", which ${target.name} does not export.` : null
}

function judgeRelative({ specifier, file, pack }) {
  const target = posix.join(posix.dirname(file), specifier)
  if (!target.startsWith(`${pack.path}/src/`)) return `imports "${specifier}", which is outside of ${pack.path}/src.`
  if (posix.basename(target) === 'index.ts') return `imports "${specifier}": inside a package, import the file that defines the name.`
  return specifier.endsWith('.ts') ? null : `imports "${specifier}": a relative import ends in .ts.`
}

function list(names) {
  return names.length === 0 ? 'nothing' : names.join(', ')
}
