import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, setUp } from './setup.mjs'

/** Every test of the repository. They are not in `.mocharc.json`, because mocha adds those to the files it is asked for. */
const everything = ['packages/*/dist-test/**/*.test.js', 'examples/**/*.test.mjs', 'tools/**/*.test.mjs']

/**
 * Sets up what is missing, then becomes mocha with the root `.mocharc.json`. Arguments after `npm test --` go to mocha; a
 * file or glob among them replaces the whole suite.
 */
export async function runMocha() {
  await setUp({ command: 'npm test' })
  process.chdir(root)
  const given = process.argv.slice(2)
  const mocha = join(dirname(createRequire(join(root, 'package.json')).resolve('mocha/package.json')), 'bin', 'mocha.js')
  process.argv = [process.argv[0], mocha, ...given, ...(given.some(isSpec) ? [] : everything)]
  await import(pathToFileURL(mocha).href)
}

function isSpec(argument) {
  return !argument.startsWith('-') && (/\.[cm]?js$/.test(argument) || existsSync(argument))
}
