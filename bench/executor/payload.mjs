/** JSON payloads of 64 KB and 1 MB in and out against piscina. */
import { createExecutor } from '@cordon/executor'
import { compareThroughput, report } from '../measure.mjs'
import { startPeers } from '../peers/peers.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { recordsOf } from './records.mjs'
import { invokeJson, versionOf } from './versions.mjs'

const sizes = [
  { name: '64 KB', bytes: 64_000, blockLength: 100 },
  { name: '1 MB', bytes: 1_000_000, blockLength: 10 },
]
/** Calls at once; the pool and the sandbox run as many. */
const concurrencies = [1, 4]

for (const inFlight of concurrencies) await measureJson(inFlight)

async function measureJson(inFlight) {
  const peers = await startPeers(['piscina'], { concurrency: inFlight, handler: 'echoAll' })
  const echo = await createRawEcho()
  const executor = await createExecutor()
  const version = versionOf('echo-all', 'async (input) => input', { concurrency: inFlight, instanceConcurrency: inFlight })
  try {
    for (const { name, bytes, blockLength } of sizes) {
      const input = recordsOf(bytes)
      const calls = { 'raw echo': () => echo.call(input), 'executor.invoke': () => invokeJson(executor, version, input) }
      for (const [peer, { call }] of Object.entries(peers)) calls[peer] = () => call(input)
      const result = await compareThroughput(calls, { inFlight, blockLength: Math.ceil(blockLength / inFlight) })
      console.log(`## ${name} of JSON in and out, ${inFlight} in flight`)
      for (const one of Object.keys(calls)) report(one, result.perSecond(one), 'calls/s')
      report('executor.invoke / raw echo', result.ratio('executor.invoke', 'raw echo'), 'x')
      if (peers.piscina !== undefined) report('executor.invoke / piscina', result.ratio('executor.invoke', 'piscina'), 'x', { atLeast: 0.5 })
    }
  } finally {
    echo.close()
    await executor.destroy()
    for (const { close } of Object.values(peers)) await close()
  }
}
