// Pages of invocations and logs over millions of stored rows. A first argument gives the number of rows of each (default 5,000,000); filling takes minutes.
import { createPlatform } from '@cordon/core'
import { createReaper } from '@cordon/executor'
import { createEmbeddedServer, createSqlPool } from '@cordon/pool'
import { describeMachine, median } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'

const rows = Number(process.argv[2] ?? 5_000_000)
const [days, dayMs, calls, targetMs] = [30, 86_400_000, 15, 20]
const now = Date.now()
const today = Math.floor(now / dayMs)
/** The newest row is from now, the oldest from 30 days ago. */
const time = `${now} - n::bigint * ${days * dayMs} / ${rows}`

console.log(`# ${describeMachine()}`)
await withScratch(async (folder) => {
  const reaper = createReaper()
  const server = await createEmbeddedServer({ dataDir: folder, reaper })
  const { user, host, port, database } = server.connection
  const databaseUrl = `postgres://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
  const sql = createSqlPool({ connection: server.connection, max: 2, acquireTimeoutMs: 5000, queryTimeoutMs: 1_800_000, applicationName: 'bench' })
  const platform = await createPlatform({ databaseUrl, records: { keepMb: 1_000_000 } })
  await platform.deploy({ name: 'f7', source: '/** @function */\nexport default () => 1\n' })
  const from = performance.now()
  await fill(sql)
  const [{ bytes }] = (await sql.query('select pg_size_pretty(sum(pg_total_relation_size(inhrelid))) as bytes from pg_inherits')).rows
  console.log(
    `${rows} invocations and ${rows} log entries over ${days} days in ${Math.round((performance.now() - from) / 1000)} s, ${String(bytes)} with indexes`,
  )
  const { cases, last } = await casesOf(platform)
  let slowest = 0
  for (const [name, ask] of cases) {
    const times = []
    let found = 0
    for (let call = 0; call < calls; call++) {
      const start = performance.now()
      found = (await ask()).items.length
      times.push(performance.now() - start)
    }
    slowest = Math.max(slowest, median(times))
    console.log(
      `${name.padEnd(58)} ${median(times).toFixed(1).padStart(6)} ms median ${Math.min(...times)
        .toFixed(1)
        .padStart(6)} ms least ${Math.max(...times)
        .toFixed(1)
        .padStart(6)} ms most ${found} rows`,
    )
  }
  console.log(`slowest median ${slowest.toFixed(1)} ms, target ${targetMs} ms; the last page began at ${last}`)
  if (process.argv.includes('--explain')) await explain(sql)
  await platform.close()
  await sql.close()
  await server.close()
  await reaper.close()
})

async function fill(sql) {
  for (let day = today - days - 1; day <= today; day++) {
    for (const table of ['logs', 'invocations']) {
      await sql.query(
        `create table if not exists cordon.${table}_${day} partition of cordon.${table} for values from (${day * dayMs}) to (${(day + 1) * dayMs})`,
      )
    }
  }
  // 50 functions, f0 called most, each with 20 versions; one call in 20 fails, one in 50,000 for want of memory.
  const name = `'f' || floor(50 * power(random(), 3))`
  const chunk = Math.min(rows, 500_000)
  for (let at = 0; at < rows; at += chunk) {
    const series = `generate_series(${at}, ${at + chunk - 1}) n`
    await sql.query(`insert into cordon.invocations (tenant, function, version, invocation_id, outcome, message, started_at, queue_ms, boot_ms, load_ms, duration_ms, cpu_ms, peak_memory_mb, cold_start)
      select 'default', f, 'v_' || f || '_' || v, md5(n::text), case when n % 50000 = 0 then 'MEMORY_LIMIT' when n % 40 = 0 then 'TIMEOUT' when n % 41 = 0 then 'FUNCTION_ERROR' else 'success' end,
      null, ${time}, 0, 0, 0, random() * 10, 1, 40, false from (select n, ${name} as f, floor(random() * 20) as v from ${series}) as n`)
    await sql.query(`insert into cordon.logs (tenant, function, version, invocation_id, level, message, time)
      select 'default', f, 'v_' || f || '_' || v, md5(n::text), case when n % 50000 = 0 then 3 when n % 20 = 0 then 2 else 1 end, 'a line of some words, number ' || n, ${time}
      from (select n, ${name} as f, floor(random() * 20) as v from ${series}) as n`)
  }
  await sql.query('analyze cordon.invocations')
  await sql.query('analyze cordon.logs')
}

async function casesOf(platform) {
  const old = new Date(now - 20 * dayMs)
  const version = 'v_f7_3'
  // A cursor from the middle.
  const { next } = await platform.invocations(undefined, { until: new Date(now - 15 * dayMs), limit: 1 })
  const list = []
  for (const { kind, extra } of [
    { kind: 'invocations', extra: [{ outcome: 'TIMEOUT' }, { outcome: 'MEMORY_LIMIT' }, { outcome: 'success' }] },
    { kind: 'logs', extra: [{ level: 'warn' }, { level: 'error' }] },
  ]) {
    for (const name of [undefined, 'f7']) {
      for (const filter of [{}, { version }, ...extra, ...extra.map((one) => ({ ...one, version }))]) {
        for (const span of [{}, { since: old, until: new Date(now - 19 * dayMs) }, { cursor: next }]) {
          const query = { ...filter, ...span }
          const shown = { ...filter, ...('since' in span ? { time: 'a day' } : {}), ...('cursor' in span ? { cursor: 'the middle' } : {}) }
          const label = `${kind} ${name ?? ''} ${Object.entries(shown)
            .map(([key, value]) => `${key}=${value}`)
            .join(' ')}`
          list.push([label, () => platform[kind](name, query)])
        }
      }
    }
  }
  return { cases: list, last: next }
}

async function explain(sql) {
  for (const where of [
    "function = 'f7'",
    "outcome = 'MEMORY_LIMIT' and outcome <> 'success'",
    "function = 'f7' and version = 'v_f7_3' and outcome = 'TIMEOUT' and outcome <> 'success'",
  ]) {
    const { rows: plan } = await sql.query(`explain (analyze, buffers, costs off) select seq, started_at from cordon.invocations
      where tenant = 'default' and ${where} order by started_at desc, seq desc limit 101`)
    const lines = plan.map((line) => line['QUERY PLAN'])
    console.log([...lines.slice(0, 9), '…', ...lines.slice(-12)].join('\n'))
  }
}
