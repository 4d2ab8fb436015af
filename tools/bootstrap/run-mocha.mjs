import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { listFiles, runHalves } from './run-halves.mjs'
import { root, setUp } from './setup.mjs'

/** Every test of the repository. They are not in `.mocharc.json`, because mocha adds those to the files it is asked for. */
const everything = [
  { folder: 'packages/*/dist-test', ending: '.test.js' },
  { folder: 'examples', ending: '.test.mjs' },
  { folder: 'tools', ending: '.test.mjs' },
]

/**
 * Sets up what is missing, then runs mocha with the root `.mocharc.json`: the whole suite in two processes, or this process becomes mocha when there are
 * arguments after `npm test --`. A file or glob among them replaces the whole suite.
 */
export async function runMocha() {
  await setUp({ command: 'npm test' })
  process.chdir(root)
  const given = process.argv.slice(2)
  const mocha = join(dirname(createRequire(join(root, 'package.json')).resolve('mocha/package.json')), 'bin', 'mocha.js')
  const files = listFiles('.', everything)
  if (given.length === 0) {
    process.exitCode = await runHalves(mocha, files)
    return
  }
  process.argv = [process.argv[0], mocha, ...given, ...(given.some(isSpec) ? [] : files)]
  await import(pathToFileURL(mocha).href)
}

function isSpec(argument) {
  return !argument.startsWith('-') && (/\.[cm]?js$/.test(argument) || existsSync(argument))
}
