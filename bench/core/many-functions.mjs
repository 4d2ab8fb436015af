/**
 * Warm calls with 10 000 deployed functions beside warm calls with ten: what looking functions up, keeping warm sandboxes apart and
 * evicting them costs. Functions are called at random over all that are deployed; those that were warm by chance (as many as sandboxes
 * fit) are then timed at random, too. Cold calls are not timed: the ratio is about warm ones.
 */
import { createPlatform } from '@cordon/core'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { compareCalls, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'
import { copyFunction } from './stored-functions.mjs'

const manyFunctions = 10_000
const fewFunctions = 10
/** Calls of functions drawn from all deployed ones: more than there may be sandboxes, so that the oldest are evicted. */
const randomCalls = 120
/** Deployments through the whole pipeline whose rate is printed. */
const deployments = 40
const source = '/** @function */\nexport default async function trivial(input: { n: number }) { return { n: input.n } }'

await withScratch(async (folder) => {
  const platforms = { few: await platformWith(fewFunctions, join(folder, 'few')), many: await platformWith(manyFunctions, join(folder, 'many')) }
  try {
    await printDeployRate(platforms.few)
    const warm = { few: await callAtRandom(platforms.few, fewFunctions), many: await callAtRandom(platforms.many, manyFunctions) }
    report(`functions that are warm, of ${fewFunctions}`, warm.few.length, '')
    report(`functions that are warm, of ${manyFunctions}`, warm.many.length, '')
    await quiet(platforms.many)
    let cold = 0
    const { few, many } = Object.fromEntries(
      Object.entries(platforms).map(([name, platform]) => [
        name,
        async () => {
          const { coldStart } = await platform.invoke(warm[name][randomInt(warm[name].length)], { n: 1 })
          if (coldStart) cold++
        },
      ]),
    )
    const sameFew = warm.many.slice(-fewFunctions)
    const result = await compareCalls({ few, many, 'ten of many': () => platforms.many.invoke(sameFew[randomInt(fewFunctions)], { n: 1 }) })
    report(`warm call at random, ${fewFunctions} functions, p50`, result.of('few').p50, 'µs')
    report(`warm call at random, ${manyFunctions} functions, p50`, result.of('many').p50, 'µs')
    report('ratio', result.ratio('many', 'few'), 'x', 1.1)
    report(`the same for ${fewFunctions} of the ${manyFunctions} functions, ratio`, result.ratio('ten of many', 'few'), 'x', 1.1)
    report('cold calls among them', cold, '', 0)
  } finally {
    await Promise.all(Object.values(platforms).map((platform) => platform.close()))
  }
})

/** A platform with `count` functions. One is deployed; the others are its copies in the database, where a deployment would have put them. */
async function platformWith(count, dataDir) {
  const platform = await createPlatform({ dataDir })
  await platform.deploy({ name: 'f1', source })
  await platform.close()
  const from = performance.now()
  await copyFunction(dataDir, { from: 2, to: count })
  report(`writing ${count} functions into the store`, (performance.now() - from) / 1000, 's')
  const reopened = performance.now()
  const result = await createPlatform({ dataDir })
  report(`createPlatform with ${count} functions`, performance.now() - reopened, 'ms')
  return result
}

/** What deploying them one by one would take. */
async function printDeployRate(platform) {
  const from = performance.now()
  await Promise.all(Array.from({ length: deployments }, (_, index) => platform.deploy({ name: `extra${index}`, source })))
  const seconds = (performance.now() - from) / 1000
  report(`${deployments} deployments at once`, seconds, 's')
  report(`deploying ${manyFunctions} functions like that would take`, (seconds / deployments) * (manyFunctions / 60), 'min')
  for (let index = 0; index < deployments; index++) await platform.functions.remove(`extra${index}`)
}

/** Calls functions at random; returns the names of those that stayed warm, the last called last. */
async function callAtRandom(platform, count) {
  const order = new Set()
  for (let call = 0; call < randomCalls; call++) {
    const name = `f${1 + randomInt(count)}`
    await platform.invoke(name, { n: 1 })
    order.delete(name)
    order.add(name)
  }
  await quiet(platform)
  return [...order].slice(-platform.stats().sandboxes.idle)
}

/** No sandbox starts any more. */
async function quiet(platform) {
  while (platform.stats().sandboxes.booting > 0) await new Promise((resolve) => setImmediate(resolve))
}
