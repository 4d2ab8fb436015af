// Bundles the code that runs inside a sandbox into one classic script, packages/executor/dist/runtime.js.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isUpToDate } from './up-to-date.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const entry = `${root}packages/executor/dist/runtime/main.js`
const output = `${root}packages/executor/dist/runtime.js`
/** Longest script that fits one argument of a process on Linux (MAX_ARG_STRLEN, 128 KiB), with room to spare. */
const maxBytes = 120_000

if (!isUpToDate(output, fileURLToPath(import.meta.url), root)) {
  const { build } = await import('esbuild')
  const result = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minify: true,
    keepNames: false,
    logLevel: 'silent',
    banner: { js: '(function(require){"use strict";' },
    footer: { js: '})(require)' },
  })
  // `node -e` looks for the word crypto, and when it is there loads that module first, which takes as long as everything else here.
  const code = result.outputFiles[0].text.replaceAll('"crypto"', '"\\x63rypto"')
  const inputs = Object.keys(result.metafile.inputs).sort().join(' ')
  const text = `${code}//inputs ${inputs}\n`
  if (/\bcrypto\b/.test(text)) throw new Error('Cannot use the sandbox runtime: it has the word crypto outside of a text that can spell it otherwise')
  if (Buffer.byteLength(text) > maxBytes)
    throw new Error(`Cannot use the sandbox runtime: it has ${Buffer.byteLength(text)} bytes, one argument holds ${maxBytes}`)
  mkdirSync(new URL('.', `file://${output}`), { recursive: true })
  // Written beside and renamed: another process may start a sandbox right now.
  writeFileSync(`${output}.${process.pid}`, text)
  renameSync(`${output}.${process.pid}`, output)
}
