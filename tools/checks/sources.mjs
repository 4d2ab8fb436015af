import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { ts } from 'ts-morph'

/**
 * Files below `folder`, relative to it, with forward slashes. Built files, installed packages, test data and dot folders are left out.
 *
 * @param {string} folder
 * @param {(path: string) => boolean} [wanted]
 * @returns {string[]}
 */
export function listFiles(folder, wanted = () => true) {
  const found = []
  function walk(path) {
    if (!existsSync(path)) return
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const child = join(path, entry.name)
      if (entry.isDirectory() && !skipped.has(entry.name) && !entry.name.startsWith('.')) walk(child)
      if (entry.isFile()) found.push(relative(folder, child).split(sep).join('/'))
    }
  }
  walk(folder)
  return found.filter(wanted).sort()
}

const skipped = new Set(['node_modules', 'dist', 'dist-test', 'fixtures'])

/**
 * Every module specifier in a file: static and dynamic imports, `export … from`, `import type`, `require`, `import.meta.resolve`.
 * Read by TypeScript's own scanner, so comments and strings that only look like imports do not count.
 *
 * `isType` marks those that the compiler erases.
 *
 * @param {string} text
 * @returns {{ specifier: string, line: number, isType: boolean }[]}
 */
export function parseImports(text) {
  const { importedFiles } = ts.preProcessFile(text, true, true)
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, false)
  const erased = typeImports(source)
  const found = importedFiles.map(({ fileName, pos }) => ({ specifier: fileName, line: lineAt(text, pos), isType: erased.has(pos) }))
  for (const { text: specifier, pos } of resolvedSpecifiers(source)) found.push({ specifier, line: lineAt(text, pos), isType: false })
  return found
}

/** Literals that are given to `require.resolve` and `import.meta.resolve`. */
function resolvedSpecifiers(source) {
  const found = []
  function visit(node) {
    const isResolve = ts.isCallExpression(node) && /^(import\.meta|require)\.resolve$/.test(node.expression.getText(source))
    if (isResolve && node.arguments[0] !== undefined && ts.isStringLiteralLike(node.arguments[0])) found.push(node.arguments[0])
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Positions of the specifiers of `import type` and `export type … from`, as the scanner counts them (the quote is left out). */
function typeImports(source) {
  const positions = new Set()
  for (const node of source.statements) {
    const isErased = ts.isImportDeclaration(node) ? node.importClause?.isTypeOnly : ts.isExportDeclaration(node) && node.isTypeOnly
    if (isErased && node.moduleSpecifier !== undefined) positions.add(node.moduleSpecifier.getStart(source))
  }
  return positions
}

function lineAt(text, position) {
  return text.slice(0, position).split('\n').length
}

/**
 * Name of the package a bare specifier belongs to.
 *
 * @param {string} specifier
 * @returns {string}
 */
export function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/**
 * Reads a JSON file.
 *
 * @param {string} path
 */
export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/**
 * The workspace packages below `packages/`.
 *
 * @param {string} folder the repository
 * @returns {{ name: string, short: string, path: string, manifest: any }[]}
 */
export function listPackages(folder) {
  const parent = join(folder, 'packages')
  if (!existsSync(parent)) return []
  return readdirSync(parent)
    .filter((short) => existsSync(join(parent, short, 'package.json')))
    .sort()
    .map((short) => {
      const manifest = readJson(join(parent, short, 'package.json'))
      return { name: manifest.name, short, path: `packages/${short}`, manifest }
    })
}
