import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { listPackageFolders } from './workspace.mjs'

/** Source folder -> output folder of a package. */
const trees = [
  ['src', 'dist'],
  ['test', 'dist-test'],
]

/** Tool -> package and file that it writes. */
const bundles = [
  ['bundle-runtime.mjs', 'executor', 'runtime.js'],
  ['bundle-analyzer.mjs', 'analyzer', 'child.js'],
]

/**
 * Every file that a build reads, sorted by path.
 *
 * @param {string} folder
 * @returns {{ path: string, size: number, mtimeMs: number }[]}
 */
export function listInputs(folder) {
  const paths = ['tsconfig.json', 'tsconfig.base.json', join('node_modules', '.package-lock.json')]
  for (const pack of listPackageFolders(folder)) {
    paths.push(join(pack, 'package.json'), join(pack, 'tsconfig.json'), join(pack, 'test', 'tsconfig.json'))
    for (const [from] of trees) paths.push(...listSources(folder, join(pack, from)))
  }
  paths.push(...listFiles(join(folder, 'tools', 'build')).map((path) => relative(folder, path)))
  return [...new Set(paths)].sort().flatMap((path) => {
    const stat = statSync(join(folder, path), { throwIfNoEntry: false })
    return stat === undefined ? [] : [{ path, size: stat.size, mtimeMs: stat.mtimeMs }]
  })
}

/**
 * Every file that a finished build leaves, absolute.
 *
 * @param {string} folder
 * @returns {string[]}
 */
export function listOutputs(folder) {
  const outputs = []
  for (const pack of compiledPackages(folder)) {
    for (const [from, to] of trees) {
      for (const source of listSources(folder, join(pack, from))) {
        const name = relative(join(pack, from), source)
        if (!name.endsWith('.d.ts')) outputs.push(join(folder, pack, to, name.replace(/ts$/, 'js')))
      }
    }
  }
  for (const [tool, pack, output] of bundles)
    if (existsSync(join(folder, 'tools', 'build', tool))) outputs.push(join(folder, 'packages', pack, 'dist', output))
  return outputs
}

/**
 * Removes what a build would not: outputs whose source is gone (a deleted test would still run), and the build records
 * of packages with a missing output (`tsc -b` trusts them and would not write the file again).
 *
 * @param {string} folder
 */
export function removeOrphans(folder) {
  for (const pack of compiledPackages(folder)) {
    for (const [from, to] of trees) {
      const sources = new Set(listSources(folder, join(pack, from)).map((path) => relative(join(pack, from), path).replace(/ts$/, '')))
      for (const path of listFiles(join(folder, pack, to))) {
        if (!path.endsWith('.d.ts')) continue
        const stem = path.slice(0, -'d.ts'.length)
        // src/a.mts gives a.d.mts; only .ts sources are in use here.
        if (!sources.has(relative(join(folder, pack, to), stem)))
          for (const ending of ['js', 'js.map', 'd.ts', 'd.ts.map']) rmSync(stem + ending, { force: true })
      }
      const expected = [...sources].filter((stem) => !stem.endsWith('.d.')).map((stem) => join(folder, pack, to, `${stem}js`))
      if (!expected.every((path) => existsSync(path))) rmSync(join(folder, pack, to, '.tsbuildinfo'), { force: true })
    }
  }
}

function compiledPackages(folder) {
  return listPackageFolders(folder).filter((pack) => existsSync(join(folder, pack, 'tsconfig.json')))
}

/** TypeScript files below a folder, relative to the repository; fixtures are data and are not compiled. */
function listSources(folder, below) {
  return listFiles(join(folder, below))
    .map((path) => relative(folder, path))
    .filter((path) => path.endsWith('.ts') && !path.startsWith(join(below, 'fixtures') + sep))
}

function listFiles(path) {
  if (!existsSync(path)) return []
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const child = join(path, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : listFiles(child)
    return entry.isFile() ? [child] : []
  })
}
