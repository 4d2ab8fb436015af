/** One warm call at a time of a trivial function, against the raw echo and the pools people use; pinned to one core and not. */
import { createExecutor } from '@cordon/executor'
import { compareCalls, isPinned, report } from '../measure.mjs'
import { startPeers } from '../peers/peers.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { invokeJson, trivialVersion } from './versions.mjs'

const peerNames = ['tinypool child_process', 'tinypool threads', 'piscina', 'isolated-vm in a child', 'workerd over HTTP']

const peers = await startPeers(peerNames)
const echo = await createRawEcho()
const executor = await createExecutor()
const version = trivialVersion()
const input = { n: 1 }
try {
  const calls = { 'raw echo': () => echo.call(input), 'executor.invoke': () => invokeJson(executor, version, input) }
  for (const [name, { call }] of Object.entries(peers)) calls[name] = () => call(input)
  const result = await compareCalls(calls)
  console.log(`## ${isPinned ? 'pinned to one core' : 'unpinned'}, level ${executor.stats().sandbox.level}`)
  for (const name of Object.keys(calls)) {
    const { p50, p99 } = result.of(name)
    console.log(
      `${name.padEnd(52)} p50 ${p50.toFixed(1).padStart(7)} µs   p99 ${p99.toFixed(1).padStart(7)} µs   ${result.ratio(name, 'raw echo').toFixed(2)} x raw echo`,
    )
  }
  report('executor.invoke / raw echo', result.ratio('executor.invoke', 'raw echo'), 'x', isPinned ? 2.5 : 1.5)
  report('executor.invoke / raw echo, p99', result.ratio('executor.invoke', 'raw echo', 'p99'), 'x', 3)
  if (calls['tinypool child_process'] !== undefined)
    report('executor.invoke / tinypool child_process', result.ratio('executor.invoke', 'tinypool child_process'), 'x', isPinned ? 1 : undefined)
} finally {
  echo.close()
  await executor.destroy()
  for (const { close } of Object.values(peers)) await close()
}
