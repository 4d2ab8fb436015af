/** What `import '@cordon/core'` adds to the start of a process, against a bare one. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { median, report } from '../measure.mjs'

const rounds = 15
const cwd = fileURLToPath(new URL('..', import.meta.url))

function start(program) {
  const from = performance.now()
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error('the program failed')
  return performance.now() - from
}

const bare = []
const loaded = []
for (let round = 0; round < rounds; round++) {
  bare.push(start(''))
  loaded.push(start(`import '@cordon/core'`))
}
report('start of a bare process, median', median(bare), 'ms')
report(`start with import '@cordon/core', median`, median(loaded), 'ms')
report('difference of each pair, median', median(loaded.map((time, round) => time - bare[round])), 'ms', 80)
report('ratio', median(loaded.map((time, round) => time / bare[round])), 'x')
