// Bundles what an analyzer process runs into one module, packages/analyzer/dist/child.js: reading two hundred files takes longer than an analysis.
import { renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isUpToDate } from './up-to-date.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const dist = `${root}packages/analyzer/dist/`
const output = `${dist}child.js`

/**
 * The compiler stays a file of its package: Node compiles it as a whole, as a part of something else it would be read twice. Its wrapper is left out:
 * three megabytes of library texts, and a getter for every name. A plain copy of the exports is found five times faster.
 */
const compiler = {
  name: 'compiler',
  setup(build) {
    build.onResolve({ filter: /^@ts-morph\/common$/ }, () => ({ path: 'compiler', namespace: 'compiler' }))
    build.onLoad({ filter: /.*/, namespace: 'compiler' }, () => ({
      contents: `export const ts = { ...require('@ts-morph/common/dist/typescript.js') }`,
      resolveDir: dist,
    }))
  },
}

/** The library is chosen now, and not by every process. */
const library = {
  name: 'library',
  setup(build) {
    build.onLoad({ filter: /\/schema\/standard-text\.js$/ }, async ({ path }) => {
      const { standardText } = await import(path)
      return { contents: `const text = ${JSON.stringify(standardText())}\nexport function standardText() { return text }` }
    })
  },
}

if (!isUpToDate(output, fileURLToPath(import.meta.url), root)) {
  const { build } = await import('esbuild')
  const result = await build({
    entryPoints: [`${dist}child/entry.js`],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    legalComments: 'inline',
    logLevel: 'silent',
    // Loaded when they are needed, or from where they are installed.
    external: ['esbuild', 'scslre', 'refa', '@ts-morph/common/dist/typescript.js'],
    plugins: [compiler, library],
    banner: {
      js: [
        '// With declarations of TypeScript, (c) Microsoft Corporation, Apache License 2.0, and the packages named below, MIT License.',
        "import { createRequire as makeRequire } from 'node:module'",
        'const require = makeRequire(import.meta.url)',
      ].join('\n'),
    },
  })
  // Its texts went into the bundle, and its compiler has to be of the same version.
  const inputs = [...Object.keys(result.metafile.inputs), 'node_modules/@ts-morph/common/package.json']
    .filter((file) => !file.startsWith('compiler:'))
    .sort()
    .join(' ')
  // Written beside and renamed: another process may start an analyzer right now.
  writeFileSync(`${output}.${process.pid}`, `${result.outputFiles[0].text}//inputs ${inputs}\n`)
  renameSync(`${output}.${process.pid}`, output)
}
