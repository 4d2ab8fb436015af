/** Median time of one call by the size of its payload, one at a time. */
import { createExecutor } from '@cordon/executor'
import { recordsOf } from '../executor/records.mjs'
import { invokeJson, versionOf } from '../executor/versions.mjs'
import { compareCalls } from '../measure.mjs'
import { startPeers } from '../peers/peers.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { add, draw, emptySeries } from './draw.mjs'

const steps = [100, 1000, 10_000, 100_000, 1_000_000, 4_000_000]
/** Bytes that a block moves, within 2 to 200 calls. */
const blockBytes = 3_000_000
const rounds = 3

const peers = await startPeers(['piscina'], { handler: 'echoAll' })
const echo = await createRawEcho()
const executor = await createExecutor()
const version = versionOf('echo-all', 'async (input) => input')
const series = emptySeries(['executor.invoke', 'raw echo', ...Object.keys(peers)])
try {
  for (let round = 0; round < rounds; round++) {
    for (const bytes of steps) {
      const input = recordsOf(bytes)
      const calls = { 'executor.invoke': () => invokeJson(executor, version, input), 'raw echo': () => echo.call(input) }
      for (const [name, { call }] of Object.entries(peers)) calls[name] = () => call(input)
      const blockLength = Math.min(200, Math.max(2, Math.round(blockBytes / bytes)))
      const result = await compareCalls(calls, { blockLength, rounds: 1, warmUp: Math.ceil(blockLength / 4) })
      for (const one of series) add(one, bytes / 1000, result.of(one.name).p50 / 1000)
    }
  }
} finally {
  echo.close()
  await executor.destroy()
  for (const { close } of Object.values(peers)) await close()
}
draw({
  file: 'payload',
  title: 'One call that returns its input, one at a time',
  x: { label: 'JSON in and the same out, in KB', isLog: true },
  y: { label: 'time of a call in ms', isLog: true },
  series,
})
