import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'

const require = createRequire(import.meta.url)
const run = promisify(execFile)

/** What `npm test` of each example runs: the program of the runner, its arguments, and what it says when all is well. */
const runners = [
  { name: 'node-test', command: ['--test', 'test/functions.mjs'], says: /^(#|ℹ) pass 3$/m },
  { name: 'mocha', command: [binary('mocha', 'bin/mocha.js')], says: /2 passing/ },
  { name: 'vitest', command: [binary('vitest', 'vitest.mjs'), 'run'], says: /Tests.*3 passed/ },
  { name: 'jest', command: ['--experimental-vm-modules', binary('jest', 'bin/jest.js')], says: /Tests: +3 passed/ },
]

function binary(name, path) {
  return join(dirname(require.resolve(`${name}/package.json`)), path)
}

describe('the examples of tests', function () {
  this.timeout(150_000)

  for (const { name, command, says } of runners) {
    it(`pass under ${name}, which ends by itself`, async () => {
      const cwd = fileURLToPath(new URL(name, import.meta.url))
      const env = { ...process.env, NO_COLOR: '1', NODE_TEST_CONTEXT: undefined, NODE_V8_COVERAGE: undefined }
      const { stdout, stderr } = await run(process.execPath, command, { cwd, env })
      expect(stdout + stderr).to.match(says)
    })
  }
})
