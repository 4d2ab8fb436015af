/** Ten tests of functions, from the start of the process to its end, beside the same runner with ten tests of nothing. */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'

const rounds = 5
const tests = fileURLToPath(new URL('ten.mjs', import.meta.url))
const mocha = join(dirname(createRequire(import.meta.url).resolve('mocha/package.json')), 'bin', 'mocha.js')
const runners = [
  { name: 'node:test', command: ['--test'] },
  { name: 'node:test, one process', command: [] },
  { name: 'mocha', command: [mocha, '--no-config', '--timeout', '60000'] },
]

await withScratch(async (folder) => {
  const nothing = join(folder, 'nothing.mjs')
  await writeFile(
    nothing,
    `const { it } = globalThis.it ? globalThis : await import('node:test')\nfor (let i = 0; i < 10; i++) it('is ' + i, () => {})\n`,
  )
  // What takes long is kept from the first run on.
  run(runners[0].command, tests)
  for (const { name, command } of runners) {
    const times = { functions: [], nothing: [] }
    for (let round = 0; round < rounds; round++) {
      times.functions.push(run(command, tests))
      times.nothing.push(run(command, nothing))
    }
    report(`ten tests of functions, ${name}`, median(times.functions), 'ms', 2000)
    report(`ten tests of nothing, ${name}`, median(times.nothing), 'ms')
  }
})

function run(command, file) {
  const from = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [...command, file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the tests failed:\n${stdout}${stderr}`)
  return performance.now() - from
}
