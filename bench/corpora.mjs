/** Code that nobody here wrote, as data: downloaded once into node_modules/.cache, never committed, never run. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../node_modules/.cache/cordon/quality/', import.meta.url))

/** Largest file and upload that the analyzer takes, in bytes. */
const maxFile = 1_000_000

/** Libraries that are much used and need no files, sockets or processes to do their work. A second word is the file to start from, where the package carries its TypeScript. */
export const libraries = [
  'ajv@8.20.0 lib/ajv.ts',
  'async@3.2.6',
  'axios@1.12.0 index.js',
  'bcryptjs@3.0.2',
  'bignumber.js@9.3.1',
  'chalk@5.6.2',
  'change-case@5.4.4',
  'classnames@2.5.1',
  'csv-parse@6.1.0 lib/sync.js',
  'date-fns@4.1.0 index.js',
  'dayjs@1.11.18 esm/index.js',
  'decimal.js@10.6.0',
  'deepmerge@4.3.1',
  'entities@7.0.0',
  'eventemitter3@5.0.1',
  'fast-deep-equal@3.1.3',
  'fast-xml-parser@5.3.0 src/fxp.js',
  'graphql@16.11.0',
  'handlebars@4.7.8 lib/handlebars.js',
  'he@1.2.0',
  'hono@4.13.19',
  'i18next@25.5.2',
  'immer@10.1.3 src/immer.ts',
  'immutable@5.1.3',
  'itty-router@6.0.0',
  'joi@18.0.1',
  'jose@6.1.0',
  'js-yaml@4.1.0',
  'jsonwebtoken@9.0.2',
  'ky@1.10.0',
  'liquidjs@10.21.1',
  'lodash@4.17.21',
  'lru-cache@11.2.1',
  'luxon@3.7.2 src/luxon.js',
  'markdown-it@14.1.0',
  'marked@18.2.1',
  'moment@2.30.1',
  'ms@2.1.3',
  'mustache@4.2.0',
  'nanoid@5.1.5',
  'p-limit@7.1.1',
  'p-queue@8.1.1',
  'papaparse@5.7.1',
  'path-to-regexp@8.3.0',
  'picomatch@4.0.3',
  'pluralize@8.0.0',
  'qs@6.14.0',
  'ramda@0.31.3 es/index.js',
  'rxjs@7.8.2 src/index.ts',
  'sanitize-html@2.17.0',
  'semver@7.7.2',
  'slugify@1.6.6',
  'superstruct@2.0.2',
  'tslib@2.8.1 tslib.es6.js',
  'uuid@13.0.0',
  'validator@13.15.15 es/index.js',
  'yaml@2.8.1',
  'yup@1.7.0',
  'zod@4.6.7 src/index.ts',
]

/** Files beside the templates that no function is made of: tests, the scripts that copy them, pages of browsers. */
const notFunctions =
  /(?:^|\/)(?:tests?|tools|snippets|hosting)\/|integration-test|\/App\.tsx$|(?:^|\/)(?:experimental[-_])?c3\.ts$|\.netlify-function-template|(?:^|\/)serverless\.ts$|^plugin\//

/** Packages that carry templates of functions, and where. */
const templates = [
  ['create-cloudflare@2.67.4', 'templates'],
  ['netlify-cli@26.2.0', 'functions-templates'],
  ['firebase-tools@14.15.1', 'templates'],
  ['serverless@2.72.3', 'lib/plugins/create/templates'],
]

/** Installs the libraries once; gives the folder that holds `node_modules`. */
export function installLibraries() {
  const folder = join(cache, 'libraries')
  const wanted = libraries.map((one) => one.split(' ')[0])
  if (isStamped(folder, wanted)) return folder
  makeEmpty(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--legacy-peer-deps']
  execFileSync('npm', ['install', ...flags, ...wanted], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  return stamp(folder, wanted)
}

/** Source files of templates: `{ name, text }`. */
export function readTemplates() {
  return templates.flatMap(([specifier, inside]) => {
    const folder = join(cache, specifier.replaceAll('/', '_'))
    if (!isStamped(folder, [specifier])) {
      makeEmpty(folder)
      const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', specifier, '--json'], { cwd: folder, encoding: 'utf8' }))
      execFileSync('tar', ['-xzf', filename, `package/${inside}`], { cwd: folder })
      stamp(folder, [specifier])
    }
    return Object.entries(readFolder(join(folder, 'package', inside)))
      .filter(([path]) => /(?<!\.d|\.config|\.test|\.spec)\.(?:[mc]?[jt]s|tsx)$/.test(path) && !notFunctions.test(path))
      .map(([path, bytes]) => ({ name: `${specifier.split('@')[0]}/${path}`, text: bytes.toString() }))
  })
}

/** Every file below a folder that may be code or data of it, by path with forward slashes. */
export function readFolder(folder) {
  const files = {}
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const name = relative(folder, path).split(sep).join('/')
    if (!entry.isFile() || !/\.(?:[mc]?[jt]sx?|json)$/.test(name) || /\.d\.[mc]?ts$|(?:^|\/)node_modules\/|\.min\.js$|(?:^|[./])cdn\.js$/.test(name))
      continue
    const bytes = readFileSync(path)
    if (bytes.length <= maxFile) files[name] = bytes
  }
  return files
}

function isStamped(folder, wanted) {
  try {
    return readFileSync(join(folder, 'installed.txt'), 'utf8') === wanted.join('\n')
  } catch {
    return false
  }
}

function stamp(folder, wanted) {
  writeFileSync(join(folder, 'installed.txt'), wanted.join('\n'))
  return folder
}

function makeEmpty(folder) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}
