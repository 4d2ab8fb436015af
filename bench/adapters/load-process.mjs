/** autocannon in a process of its own. Asked over IPC; answers with requests per second and latencies in milliseconds, or why there are none. */
import { once } from 'node:events'
import { quantile } from '../measure.mjs'
import { importPeer } from '../peers/install.mjs'

const { default: autocannon } = await importPeer('autocannon')
process.on('disconnect', () => process.exit())
for (;;) {
  const [options] = await once(process, 'message')
  process.send(await shoot(options).catch((error) => ({ failure: error.message })))
}

async function shoot(options) {
  // Its own histogram holds whole milliseconds, which is what a request takes.
  const times = []
  const onResponse = (_client, _status, _bytes, time) => times.push(time)
  const run = autocannon({ ...options, method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":1}' })
  run.on('response', onResponse)
  const { errors, timeouts, non2xx, duration } = await run
  if (errors + timeouts + non2xx > 0) throw new Error(`${errors} errors, ${timeouts} timeouts and ${non2xx} refusals of ${times.length} requests`)
  return { requests: times.length, perSecond: times.length / duration, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}
