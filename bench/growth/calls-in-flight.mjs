/** Calls per second of one sandbox by the number of calls in flight. */
import { createExecutor } from '@cordon/executor'
import { invokeJson, trivialVersion } from '../executor/versions.mjs'
import { compareThroughput } from '../measure.mjs'
import { startPeers } from '../peers/peers.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { add, draw, emptySeries } from './draw.mjs'

const steps = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const concurrency = 256
/** Calls of a block, of all callers together. */
const blockCalls = 3072
const rounds = 3

const peers = await startPeers(['piscina', 'tinypool child_process'], { concurrency })
const echo = await createRawEcho()
const executor = await createExecutor()
const version = trivialVersion({ concurrency, instanceConcurrency: concurrency })
const calls = { 'executor.invoke': () => invokeJson(executor, version, { n: 1 }), 'raw echo': () => echo.call({ n: 1 }) }
for (const [name, { call }] of Object.entries(peers)) calls[name] = () => call({ n: 1 })
const series = emptySeries(Object.keys(calls))
try {
  for (let round = 0; round < rounds; round++) {
    for (const inFlight of steps) {
      const result = await compareThroughput(calls, { inFlight, blockLength: Math.ceil(blockCalls / inFlight), rounds: 1 })
      for (const one of series) add(one, inFlight, result.perSecond(one.name))
    }
  }
} finally {
  echo.close()
  await executor.destroy()
  for (const { close } of Object.values(peers)) await close()
}
draw({
  file: 'calls-in-flight',
  title: 'Throughput of one sandbox, trivial function',
  x: { label: 'calls in flight', isLog: true },
  y: { label: 'calls per second', isLog: false },
  series,
})
