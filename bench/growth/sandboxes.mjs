/** Warm calls, each to a sandbox chosen at random, by the number of warm sandboxes, beside as many raw echoes: waking one of many sleeping processes costs more for both. */
import { createExecutor } from '@cordon/executor'
import { randomInt } from 'node:crypto'
import { invokeJson, versionOf } from '../executor/versions.mjs'
import { compareCalls, timeCalls } from '../measure.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { add, draw, emptySeries } from './draw.mjs'

const steps = [1, 2, 5, 10, 20, 50, 100]
const rounds = 5
/** Calls of every process before they are timed: a process that was hardly called runs its code unoptimised. */
const warmUpCalls = 100

const executor = await createExecutor({ spares: 0, maxSandboxes: steps.at(-1) })
const versions = []
const echoes = []
const [ours] = emptySeries(['executor.invoke / raw echo'])
try {
  for (const count of steps) {
    await start(count)
    const calls = { ours: () => invokeJson(executor, versions[randomInt(count)], { n: 1 }), echo: () => echoes[randomInt(count)].call({ n: 1 }) }
    for (let round = 0; round < rounds; round++) add(ours, count, (await compareCalls(calls, { rounds: 1, warmUp: 1 })).ratio('ours', 'echo'))
  }
} finally {
  for (const echo of echoes) echo.close()
  await executor.destroy()
}
draw({
  file: 'sandboxes',
  title: 'Warm call to a sandbox chosen at random',
  x: { label: 'warm sandboxes', isLog: true },
  y: { label: 'time of a call / that of as many raw echoes', isLog: false },
  series: [ours],
})

/** Starts sandboxes and echoes until there are `count` of each. */
async function start(count) {
  while (versions.length < count) {
    const version = versionOf(`warm-${versions.length}`, 'async (input) => ({ n: input.n })')
    versions.push(version)
    await timeCalls(() => invokeJson(executor, version, { n: 1 }), warmUpCalls)
  }
  while (echoes.length < count) {
    const echo = await createRawEcho()
    echoes.push(echo)
    await timeCalls(() => echo.call({ n: 1 }), warmUpCalls)
  }
}
