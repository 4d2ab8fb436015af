/** One sandbox with 64 calls in flight: calls per second against the raw echo and the pools with as many in flight. */
import { createExecutor } from '@cordon/executor'
import { compareThroughput, isPinned, report } from '../measure.mjs'
import { startPeers } from '../peers/peers.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { invokeJson, trivialVersion } from './versions.mjs'

const inFlight = 64

const peers = await startPeers(['tinypool child_process', 'tinypool threads', 'piscina'], { concurrency: inFlight })
const echo = await createRawEcho()
const executor = await createExecutor()
const version = trivialVersion({ concurrency: inFlight, instanceConcurrency: inFlight })
const input = { n: 1 }
try {
  const calls = { 'raw echo': () => echo.call(input), 'executor.invoke': () => invokeJson(executor, version, input) }
  for (const [name, { call }] of Object.entries(peers)) calls[name] = () => call(input)
  const result = await compareThroughput(calls, { inFlight })
  const { idle, busy } = executor.stats().sandboxes
  if (idle + busy !== 1) throw new Error(`${idle + busy} sandboxes served the calls, expected one`)
  console.log(`## ${isPinned ? 'pinned to one core' : 'unpinned'}, ${inFlight} calls in flight in one sandbox`)
  for (const name of Object.keys(calls)) report(name, result.perSecond(name), 'calls/s')
  report('executor.invoke / raw echo', result.ratio('executor.invoke', 'raw echo'), 'x', { atLeast: 0.5 })
  if (calls['tinypool child_process'] !== undefined)
    report('executor.invoke / tinypool child_process', result.ratio('executor.invoke', 'tinypool child_process'), 'x', { atLeast: 3 })
  if (calls['piscina'] !== undefined) report('executor.invoke / piscina', result.ratio('executor.invoke', 'piscina'), 'x', { atLeast: 1 })
} finally {
  echo.close()
  await executor.destroy()
  for (const { close } of Object.values(peers)) await close()
}
