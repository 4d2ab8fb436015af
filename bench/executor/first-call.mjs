/** First call of a version that never ran: from a spare, and with a process that has to start first, beside the start of a bare Node process. */
import { createExecutor } from '@cordon/executor'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { median, quantile, report } from '../measure.mjs'
import { invokeJson, versionOf } from './versions.mjs'

const rounds = 31
/** Added to the start of a bare process: what loading and calling may take. */
const allowanceMs = 4
/** Functions in the larger bundle, about 100 bytes each. */
const largeBundleFunctions = 5000

const events = new EventEmitter()
const onSandbox = () => events.emit('change')
const withSpare = await createExecutor({ spares: 1, onSandbox })
const withoutSpare = await createExecutor({ spares: 0, onSandbox })
const filler = Array.from(
  { length: largeBundleFunctions },
  (_, index) => `function unused${index}(a, b) { const sum = a + b * ${index}; return sum > 100 ? String(sum) : [a, b, sum] }`,
).join('\n')
const handler = 'async (input) => ({ n: input.n })'
const times = { bare: [], spare: [], large: [], cold: [] }
try {
  for (let round = 0; round < rounds; round++) {
    times.bare.push(await timed(startBareNode))
    times.cold.push(await firstCall(withoutSpare, 0, versionOf(`cold-${round}`, handler)))
    times.spare.push(await firstCall(withSpare, 1, versionOf(`spare-${round}`, handler)))
    times.large.push(await firstCall(withSpare, 1, versionOf(`large-${round}`, `(() => { ${filler}\nreturn ${handler} })()`)))
  }
  report('start of a bare process (node -e 0), median', median(times.bare), 'ms')
  report('first call from a spare, median', median(times.spare), 'ms', 4)
  report('first call from a spare, p90', quantile(times.spare, 0.9), 'ms')
  report(`first call from a spare, bundle of ${Math.round(filler.length / 1024)} KiB, median`, median(times.large), 'ms')
  report('first call without a spare, median', median(times.cold), 'ms', Number((1.3 * median(times.bare) + allowanceMs).toFixed(1)))
  report('first call without a spare / bare start', median(times.cold.map((time, round) => time / times.bare[round])), 'x')
} finally {
  await Promise.all([withSpare.destroy(), withoutSpare.destroy()])
}

/** Before and after it the executor has its spares and nothing else: no process starts or dies meanwhile. */
async function firstCall(executor, spares, version) {
  await onlySpares(executor, spares)
  const elapsed = await timed(() => invokeJson(executor, version, { n: 1 }))
  executor.retire(version)
  await onlySpares(executor, spares)
  return elapsed
}

async function onlySpares(executor, spares) {
  for (;;) {
    const { spare, total } = executor.stats().sandboxes
    if (spare === spares && total === spares) return
    await once(events, 'change')
  }
}

async function startBareNode() {
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore', env: { OPENSSL_CONF: '/dev/null' } }), 'exit')
}

async function timed(run) {
  const from = performance.now()
  await run()
  return performance.now() - from
}
