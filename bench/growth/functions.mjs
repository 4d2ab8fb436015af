/** Warm calls by the number of deployed functions. */
import { createPlatform } from '@cordon/core'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { copyFunction } from '../core/stored-functions.mjs'
import { compareCalls } from '../measure.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { withScratch } from '../scratch.mjs'
import { add, draw, emptySeries } from './draw.mjs'

const steps = [10, 100, 1000, 10_000]
const rounds = 5
/** Functions, drawn from all, that are warm while their calls are timed: the same number at every step. */
const warmFunctions = 10
/** Before they are timed, together: a sandbox that was hardly called runs its code unoptimised. */
const warmUpCalls = 5000
const source = '/** @function */\nexport default async function trivial(input: { n: number }) { return { n: input.n } }'

const series = emptySeries(['platform.invoke / raw echo'])
await withScratch(async (folder) => {
  const dataDir = join(folder, 'data')
  const platform = await createPlatform({ dataDir })
  await platform.deploy({ name: 'f1', source })
  await platform.close()
  let stored = 1
  for (const count of steps) {
    await copyFunction(dataDir, { from: stored + 1, to: count })
    stored = count
    await timeWarmCalls(dataDir, count)
  }
})
draw({
  file: 'functions',
  title: `Warm calls of ${warmFunctions} functions chosen at random`,
  x: { label: 'deployed functions', isLog: true },
  y: { label: 'time of a call / that of as many raw echoes', isLog: false },
  series,
})

async function timeWarmCalls(dataDir, count) {
  const platform = await createPlatform({ dataDir })
  const echoes = await Promise.all(Array.from({ length: warmFunctions }, createRawEcho))
  try {
    const first = randomInt(count)
    const names = Array.from({ length: warmFunctions }, (_, index) => `f${1 + ((first + index * Math.floor(count / warmFunctions)) % count)}`)
    for (const name of names) await platform.invoke(name, { n: 1 })
    while (platform.stats().sandboxes.booting > 0) await new Promise((resolve) => setImmediate(resolve))
    const calls = {
      ours: () => platform.invoke(names[randomInt(warmFunctions)], { n: 1 }),
      echo: () => echoes[randomInt(warmFunctions)].call({ n: 1 }),
    }
    for (let round = 0; round < rounds; round++) {
      const result = await compareCalls(calls, { rounds: 1, warmUp: round === 0 ? warmUpCalls : 1 })
      add(series[0], count, result.ratio('ours', 'echo'))
    }
  } finally {
    for (const echo of echoes) echo.close()
    await platform.close()
  }
}
