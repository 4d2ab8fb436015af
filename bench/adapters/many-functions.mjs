/** Ten warm functions over HTTP, on a host that has no others beside one that has 10 000: what the number of deployed functions costs a request. */
import { createPlatform } from '@cordon/core'
import { join } from 'node:path'
import { copyFunction } from '../core/stored-functions.mjs'
import { report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'
import { shootOut, startServer } from './shoot-out.mjs'

const rounds = 9
const called = 10
const counts = { few: called, many: 10_000 }
const source = '/** @function */\nexport default async function trivial(input: { n: number }) { return { n: input.n } }'

await withScratch(async (folder) => {
  const servers = {}
  try {
    for (const [name, count] of Object.entries(counts)) servers[name] = await startHost(join(folder, name), count)
    const result = await shootOut(servers, { rounds, paths: (name) => pathsOf(counts[name]) })
    for (const [name, count] of Object.entries(counts)) {
      const { perSecond, cpu } = result.of(name)
      report(`${called} of ${count} functions`, perSecond, 'req/s')
      report(`${called} of ${count} functions, CPU time per request`, cpu, 'µs')
    }
    report(`time of a request with ${counts.many} functions / ${counts.few}`, result.ratio('few', 'many'), 'x', 1.05)
    report('the same in CPU time', result.ratio('many', 'few', 'cpu'), 'x', 1.05)
  } finally {
    for (const { close } of Object.values(servers)) await close()
  }
})

/** A host with `count` functions, of which one was deployed; the others are its copies in the database. */
async function startHost(dataDir, count) {
  const platform = await createPlatform({ dataDir })
  await platform.deploy({ name: 'f1', source })
  await platform.close()
  await copyFunction(dataDir, { from: 2, to: count })
  // One sandbox for each: with more, the noise of waking them would hide what is looked for.
  return startServer({ name: 'node:http entry', dataDir, hasFunctions: true, limits: { concurrency: 64, instanceConcurrency: 64 } })
}

/** The same number of functions, spread over all that there are. */
function pathsOf(count) {
  return Array.from({ length: called }, (_, index) => `/fn/f${1 + (index * count) / called}`)
}
