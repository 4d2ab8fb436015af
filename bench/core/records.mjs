// What records cost: calls with them and without, the host's event loop while many are written, and what a killed host loses.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { nothingUsed } from '@cordon/contracts'
import { createPlatform } from '@cordon/core'
import { createReaper } from '@cordon/executor'
import { createEmbeddedServer, createSqlPool } from '@cordon/pool'
import { RecordBuffer } from '../../packages/core/dist/records/record-buffer.js'
import { RecordPartitions } from '../../packages/core/dist/store/record-partitions.js'
import { RecordWriter } from '../../packages/core/dist/store/record-writer.js'
import { compareCalls, compareThroughput, describeMachine, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'

const source = '/** @function */\nexport default (input) => input\n'
const host = fileURLToPath(new URL('../../packages/core/test/fixtures/recording-host.mjs', import.meta.url))

console.log(`# ${describeMachine()}`)
await withScratch(async (folder) => {
  await calls(folder)
  const reaper = createReaper()
  const server = await createEmbeddedServer({ dataDir: join(folder, 'server'), reaper })
  const { user, host: socket, port, database } = server.connection
  const url = `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(socket)}`
  const sql = createSqlPool({ connection: server.connection, max: 5, acquireTimeoutMs: 5000, queryTimeoutMs: 60_000, applicationName: 'bench' })
  const platform = await createPlatform({ databaseUrl: url })
  await platform.deploy({ name: 'ledger', source })
  await platform.close()
  await eventLoop(sql)
  for (const write of ['behind', 'durable']) await loss(url, sql, write)
  await sql.close()
  await server.close()
  await reaper.close()
})

async function calls(folder) {
  const writes = ['behind', 'off', 'durable']
  const platforms = []
  for (const write of writes) platforms.push(await createPlatform({ dataDir: join(folder, write), records: { write } }))
  for (const platform of platforms) await platform.deploy({ name: 'echo', source })
  const call = Object.fromEntries(platforms.map((platform, index) => [writes[index], () => platform.invoke('echo', 1)]))
  const latency = await compareCalls(call, { blockLength: 300, warmUp: 300 })
  for (const write of writes) report(`records ${write}: one call at a time, p50`, latency.of(write).p50 / 1000, 'ms')
  // A ratio of times turned round is one of rates.
  report('rate with records / without, one at a time', 1 / latency.ratio('behind', 'off'), 'x', { atLeast: 0.95 })
  const rates = await compareThroughput({ behind: call.behind, off: call.off }, { inFlight: 10, blockLength: 200 })
  report('the same, 10 in flight', rates.ratio('behind', 'off'), 'x', { atLeast: 0.95 })
  await Promise.all(platforms.map((platform) => platform.close()))
}

async function eventLoop(sql) {
  const writer = new RecordWriter(sql, new RecordPartitions(sql))
  const buffer = new RecordBuffer({ write: (items) => writer.write(items), prune: async () => {}, onWarning: console.error })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const from = performance.now()
  for (let pushed = 0; pushed < 100_000;) {
    for (let index = 0; index < 20; index++, pushed++) buffer.push(item(pushed))
    await setImmediate()
    // Two rows each: below what the buffer holds.
    while (buffer.stats().buffered > 8000) await buffer.flush()
  }
  await buffer.close()
  const seconds = (performance.now() - from) / 1000
  delay.disable()
  report('100,000 records, each with a log entry', 100_000 / seconds, 'calls/s')
  // The timer of the monitor itself ticks every millisecond.
  report('event loop delay meanwhile, p99', delay.percentile(99) / 1e6 - 1, 'ms', 10)
  report('dropped', buffer.stats().dropped, '', 0)
}

function item(number) {
  const time = Date.now()
  const measures = { queueMs: 0, bootMs: 0, loadMs: 0, durationMs: 1, cpuMs: 1, peakMemoryMb: 40, coldStart: false }
  const record = {
    invocationId: `i${number}`,
    function: 'ledger',
    version: 'v1',
    outcome: 'success',
    startedAt: time,
    droppedLogBytes: 0,
    used: nothingUsed,
    ...measures,
  }
  return { tenant: 'default', record, logs: [{ level: 'info', message: 'a line of some words', time }] }
}

async function loss(url, sql, write) {
  const child = spawn(process.execPath, [host, url, write], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ledger = []
  let killedAt = 0
  for await (const id of createInterface(child.stdout)) {
    ledger.push({ id, at: performance.now() })
    if (ledger.length !== 5000) continue
    killedAt = performance.now()
    child.kill('SIGKILL')
  }
  const { rows } = await sql.query("select invocation_id as id from cordon.invocations where function = 'ledger'")
  const stored = new Set(rows.map(({ id }) => id))
  const lost = ledger.filter(({ id }) => !stored.has(id))
  report(`${write}: calls that returned and whose record is lost`, lost.length, '', write === 'durable' ? 0 : undefined)
  if (lost[0] !== undefined) report(`${write}: the oldest of them returned before the kill`, killedAt - lost[0].at, 'ms')
}
