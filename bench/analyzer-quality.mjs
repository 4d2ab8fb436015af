/**
 * How often the rules are wrong: code of others that they refuse, and attacks that they do not see. Only reads the code, never runs it.
 * `-- analyzer-quality --all` also lists the warnings.
 */
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { createAnalyzer } from '@cordon/analyzer'
import obfuscator from 'javascript-obfuscator'
import { ts } from 'ts-morph'
import { installLibraries, libraries, readFolder, readTemplates } from './corpora.mjs'

const showAll = process.argv.includes('--all')
const fixtures = new URL('../packages/executor/test/fixtures/', import.meta.url)
const encoder = new TextEncoder()
/** Where the code of others stands in the upload: deep enough for imports of the folders above. */
const root = 'code/a/b/c/d/'
/** Rules about the shape of an upload, not about what it does. */
const shapeRules = new Set(['schema-types', 'bundle', 'function-marker', 'handler-shape', 'config-literal', 'config-keys', 'syntax'])
const strictOptions = { packages: { from: '/', allow: [] }, analyzer: { enforce: true, rules: {}, ruleModules: [] } }
const analyzer = createAnalyzer({ timeLimitMs: 60_000 })
try {
  const benign = await checkBenign()
  const hostile = await checkHostile()
  printBenign(benign)
  printHostile(hostile)
} finally {
  await analyzer.close()
}

async function checkBenign() {
  const folder = installLibraries()
  const results = []
  for (const library of libraries) {
    const [specifier, start] = library.split(' ')
    const name = specifier.slice(0, specifier.lastIndexOf('@'))
    const all = readFolder(join(folder, 'node_modules', name))
    const from = start ?? mainOf(all)
    results.push(await checkFiles(specifier, { files: withinLimits(all, from), start: from, from: folder }))
  }
  for (const { name, text } of readTemplates()) {
    const file = `template${name.slice(name.lastIndexOf('.'))}`
    results.push(await checkFiles(name, { files: { [file]: encoder.encode(text) }, start: file, from: folder, isTemplate: true }))
  }
  return results
}

/** The files become the user's own, behind an entry that imports them. Packages that are not there stand for themselves, empty. */
async function checkFiles(name, { files, start, from, isTemplate = false }) {
  const upload = { 'index.ts': encoder.encode(`import * as all from './${root}${start}'\n/** @function */\nexport default () => Object.keys(all)\n`) }
  for (const [path, bytes] of Object.entries(files)) upload[root + path] = bytes
  if (isTemplate) Object.assign(upload, emptyModules(Buffer.from(files[start]).toString()))
  const allow = libraries.map((one) => one.slice(0, one.lastIndexOf('@')))
  const options = (enforce) => ({
    packages: { from, allow: [...allow, ...dependenciesOf(files)] },
    analyzer: { enforce, rules: {}, ruleModules: [] },
  })
  try {
    const strict = await analyzer.analyze({ files: upload }, options(true))
    // Without enforcement there is a bundle, whose source map tells which files were read.
    const lenient = strict.ok ? strict : await analyzer.analyze({ files: upload }, options(false))
    const sources = lenient.bundle === undefined ? [root + start] : JSON.parse(lenient.bundle.sourceMap).sources
    const found = strict.diagnostics.filter((one) => one.rule !== 'schema-types')
    const read = [...sources, ...found.filter(({ severity }) => severity === 'error').map(({ file }) => file)]
    const own = new Set(read.filter((path) => path.startsWith(root) && path.slice(root.length) in files))
    return { name, isTemplate, files: own.size, found }
  } catch (error) {
    return { name, isTemplate, files: 1, found: [{ rule: error.code ?? 'defect', severity: 'error', message: error.message, file: name, line: 0 }] }
  }
}

/** Empty modules for what a template imports and a project of it would have: its other files and its packages. */
function emptyModules(text) {
  const files = {}
  for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
    if (fileName.startsWith('.')) files[besideTemplate(fileName)] = encoder.encode('module.exports = {}')
    else if (!isBuiltin(fileName) && !fileName.includes(':')) {
      const [, name] = /^((?:@[^/]+\/)?[^/]+)/.exec(fileName)
      files[`node_modules/${name}/package.json`] = encoder.encode('{}')
      files[`node_modules/${fileName}/index.js`] = encoder.encode('module.exports = {}')
    }
  }
  return files
}

function besideTemplate(specifier) {
  const path = new URL(specifier, `file:///${root}`).pathname.slice(1)
  return /\.\w+$/.test(path) ? path : `${path}.js`
}

/** Of a package that is larger than an upload may be, the files of the kind that it starts with: it carries every file in several. */
function withinLimits(files, start) {
  if (Object.values(files).reduce((sum, one) => sum + one.length, 0) < 5_000_000) return files
  const kind = start.slice(start.lastIndexOf('.'))
  return Object.fromEntries(Object.entries(files).filter(([path]) => (path.endsWith(kind) && !path.includes('test')) || path === 'package.json'))
}

function dependenciesOf(files) {
  const manifest = JSON.parse(Buffer.from(files['package.json'] ?? encoder.encode('{}')).toString())
  return Object.keys(manifest.dependencies ?? {})
}

function mainOf(files) {
  const manifest = JSON.parse(Buffer.from(files['package.json']).toString())
  const main = pick(manifest.exports?.['.'] ?? manifest.exports) ?? manifest.module ?? manifest.main ?? 'index.js'
  const path = main.replace(/^\.\//, '')
  return [path, `${path}.js`, `${path}/index.js`].find((one) => one in files) ?? path
}

function pick(target) {
  if (typeof target === 'string' || target === undefined) return target
  if (Array.isArray(target)) return pick(target[0])
  for (const condition of ['import', 'module', 'default', 'require', 'node']) if (target[condition] !== undefined) return pick(target[condition])
  return undefined
}

async function checkHostile() {
  const attacks = JSON.parse(readFileSync(new URL('attacks/manifest.json', fixtures), 'utf8')).map(({ file, description }) => ({
    name: file,
    description,
    text: readFileSync(new URL(`attacks/${file}`, fixtures), 'utf8'),
  }))
  const escapes = readEscapes()
  return [
    { name: 'attack functions', cases: await flag(attacks) },
    { name: 'the same, obfuscated', cases: await flag(attacks.map((one) => ({ ...one, text: obfuscate(one.text) }))) },
    { name: 'published escapes', cases: await flag(escapes) },
    { name: 'the same, obfuscated', cases: await flag(escapes.map((one) => ({ ...one, text: obfuscate(one.text) }))) },
  ]
}

async function flag(cases) {
  const results = []
  for (const one of cases) {
    const text = one.text.replace(/^export default/m, '/** @function */\nexport default')
    try {
      const { diagnostics } = await analyzer.analyze({ files: { 'index.js': encoder.encode(text) } }, strictOptions)
      results.push({ ...one, rules: [...new Set(diagnostics.map(({ rule }) => rule))].filter((rule) => !shapeRules.has(rule)) })
    } catch (error) {
      results.push({ ...one, rules: [error.code] })
    }
  }
  return results
}

/** Every escape as a function of its own, which takes `process` and `require` from where functions have them. */
function readEscapes() {
  const list = JSON.parse(readFileSync(new URL('escapes/manifest.json', fixtures), 'utf8'))
  return [...new Set(list.map(({ file }) => file))].flatMap((file) => {
    const text = readFileSync(new URL(`escapes/${file}`, fixtures), 'utf8')
    const ast = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    const holder = ast.statements.find((one) => ts.isVariableStatement(one) && one.getText().startsWith('export const escapes'))
    const around = text.slice(0, holder.getStart()) + text.slice(holder.end)
    return holder.declarationList.declarations[0].initializer.properties.map((one) => {
      const code = `const attack = ${one.initializer.getText()}\n`.replace(/\(\{ ([\w, ]+) \}\) =>/, (_, names) => {
        return `({ ${names
          .split(', ')
          .filter((name) => name !== 'process' && name !== 'require')
          .join(', ')} }) =>`
      })
      const { source } = list.find(({ name }) => name === one.name.text)
      const handler = `export default (input, ctx) => attack({ ctx, canary: input, tried: [], take: (value) => value })\n`
      return { name: one.name.text, description: source, text: `${around}${code}${handler}` }
    })
  })
}

function obfuscate(text) {
  return obfuscator.obfuscate(text, { seed: 1, stringArray: true, stringArrayThreshold: 1, splitStrings: true }).getObfuscatedCode()
}

function printBenign(results) {
  console.log('\nCode of others as the user’s own: files refused\n')
  console.log('| corpus | files | refused | share |\n|---|---:|---:|---:|')
  const groups = [
    ['libraries', results.filter((one) => !one.isTemplate)],
    ['templates', results.filter((one) => one.isTemplate)],
    ['all', results],
  ]
  for (const [name, group] of groups) {
    const files = group.reduce((sum, one) => sum + one.files, 0)
    const refused = group.reduce(
      (sum, one) => sum + new Set(one.found.filter(({ severity }) => severity === 'error').map(({ file }) => file)).size,
      0,
    )
    console.log(`| ${name} | ${files} | ${refused} | ${((100 * refused) / files).toFixed(1)} % |`)
  }
  console.log('\nWhy\n')
  for (const { name, found } of results) {
    const seen = new Set()
    for (const one of found) {
      const key = `${one.severity} ${one.rule} ${one.file}`
      if ((one.severity !== 'error' && !showAll) || seen.has(key)) continue
      seen.add(key)
      console.log(`${one.severity} ${one.rule} ${name} ${one.file}:${one.line} ${one.message}`)
      if (one.frame)
        console.log(
          one.frame
            .split('\n')
            .filter((line) => line.trim() !== '')
            .map((line) => `    ${line.slice(0, 150)}`)
            .join('\n'),
        )
    }
  }
  console.log('\nFindings by rule (files)\n\n| rule | errors | warnings |\n|---|---:|---:|')
  const counts = new Map()
  for (const { name, found } of results) {
    for (const { rule, severity, file } of found) {
      const row = counts.get(rule) ?? { error: new Set(), warn: new Set() }
      row[severity].add(`${name} ${file}`)
      counts.set(rule, row)
    }
  }
  for (const [rule, row] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`| ${rule} | ${row.error.size} | ${row.warn.size} |`)
}

function printHostile(groups) {
  console.log('\nAttacks: flagged by at least one rule\n\n| corpus | attacks | flagged | share |\n|---|---:|---:|---:|')
  for (const { name, cases } of groups) {
    const flagged = cases.filter((one) => one.rules.length > 0).length
    console.log(`| ${name} | ${cases.length} | ${flagged} | ${((100 * flagged) / cases.length).toFixed(1)} % |`)
  }
  console.log('\nBy which rules\n')
  for (const { name, cases } of groups) {
    const counts = new Map()
    for (const { rules } of cases) for (const rule of rules) counts.set(rule, (counts.get(rule) ?? 0) + 1)
    console.log(
      `${name}: ${[...counts]
        .sort((a, b) => b[1] - a[1])
        .map(([rule, count]) => `${rule} ${count}`)
        .join(', ')}`,
    )
  }
  console.log('\nNot seen\n')
  for (const { name, cases } of groups) {
    for (const one of cases) if (one.rules.length === 0) console.log(`${name}: ${one.name} ${one.description}`)
  }
}
