/**
 * `ctx.db` against `pg` in the host, on the same server in the same run: one query after the other, 32 functions at once with a pool of
 * the same size, and ten statements in one batch. The function times its own queries; calling it is not part of them. Beside them the
 * physical limit: a bare process (`raw-echo.mjs`) that asks for each query over a socket pair, and `pg`, without a clean-up.
 */
import { createPlatform } from '@cordon/core'
import { readEmbeddedFiles } from '@cordon/pool'
import { join } from 'node:path'
import pg from 'pg'
import { median, report } from '../measure.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { withScratch } from '../scratch.mjs'

const rounds = 5
const queries = 100
/** Each of the 32 asks more, because a sandbox spends its first queries compiling. */
const queriesOfEach = 200
const atOnce = 32
const connections = 8
/** What goes over the socket pair for one query, and its answer. */
const frame = ['db.query', { text: 'select 1', values: [], fields: [['?column?', 23]], rows: [['1']], rowCount: 1 }]
const source = `
export const config = { database: true }
interface Input { kind: 'query' | 'batch' | 'many', count: number }
/** @function */
export default async function queries(input: Input, ctx: any): Promise<number[]> {
  const times: number[] = []
  const ten = Array.from({ length: 10 }, () => 'select 1')
  for (let n = 0; n < input.count; n++) {
    const from = performance.now()
    if (input.kind === 'batch') await ctx.db.batch(ten)
    else await ctx.db.query('select 1')
    times.push((performance.now() - from) * 1000)
  }
  return input.kind === 'many' ? [] : times
}`

await withScratch(async (folder) => {
  const dataDir = join(folder, 'data')
  const platform = await createPlatform({
    dataDir,
    limits: { concurrency: atOnce, timeoutMs: 60_000 },
    scheduling: { maxSandboxes: atOnce + 2 },
    database: { tenantConnections: connections, statements: 1_000_000 },
  })
  const { connection } = await readEmbeddedFiles(dataDir)
  const { host, port, user } = connection
  const pool = new pg.Pool({ host, port, user, database: 'cordon_functions', max: connections })
  try {
    await platform.deploy({ name: 'queries', source })
    // The first query creates the database that both use.
    await platform.invoke('queries', { kind: 'query', count: 1 })
    await one(platform, pool)
    await batch(platform, pool)
    await many(platform, pool)
  } finally {
    await pool.end()
    await platform.close()
  }
})

async function one(platform, pool) {
  const client = await pool.connect()
  const echo = await createRawEcho()
  const query = () => client.query({ text: 'select 1', values: [] })
  const blocks = await compare({
    ours: async () => median((await platform.invoke('queries', { kind: 'query', count: queries })).output),
    pg: async () => median(await timeCalls(query, queries)),
    raw: async () => median(await timeCalls(() => echo.call(frame).then(query), queries)),
  })
  echo.close()
  client.release()
  report("pg: query('select 1') in the host, p50", median(blocks.pg), 'µs')
  report('the same for a bare process, p50', median(blocks.raw), 'µs')
  report("ctx.db.query('select 1') in a warm function, p50", median(blocks.ours), 'µs')
  report('ratio', ratio(blocks, 'ours', 'pg'), 'x', 2.5)
  report('ratio of the bare process', ratio(blocks, 'raw', 'pg'), 'x')
  report('ctx.db / bare process', ratio(blocks, 'ours', 'raw'), 'x')
}

async function batch(platform, pool) {
  const client = await pool.connect()
  const ten = async () => {
    await client.query('begin')
    for (let n = 0; n < 10; n++) await client.query({ text: 'select 1', values: [] })
    await client.query('commit')
  }
  const blocks = await compare({
    ours: async () => median((await platform.invoke('queries', { kind: 'batch', count: queries })).output),
    pg: async () => median(await timeCalls(ten, queries)),
  })
  client.release()
  report('pg: ten statements in a transaction, p50', median(blocks.pg), 'µs')
  report('ctx.db.batch of ten statements, p50', median(blocks.ours), 'µs')
  report('ratio', ratio(blocks, 'ours', 'pg'), 'x', 2)
}

async function many(platform, pool) {
  const echoes = await Promise.all(Array.from({ length: atOnce }, createRawEcho))
  const perSecond = async (run) => {
    const from = performance.now()
    await Promise.all(Array.from({ length: atOnce }, (_, caller) => run(caller)))
    return (atOnce * queriesOfEach * 1000) / (performance.now() - from)
  }
  const repeat = async (query) => {
    for (let n = 0; n < queriesOfEach; n++) await query()
  }
  const query = () => pool.query({ text: 'select 1', values: [] })
  // The first block of each is thrown away: afterwards enough sandboxes are warm.
  const blocks = await compare({
    ours: () => perSecond(() => platform.invoke('queries', { kind: 'many', count: queriesOfEach })),
    pg: () => perSecond(() => repeat(query)),
    raw: () => perSecond((caller) => repeat(() => echoes[caller].call(frame).then(query))),
  })
  for (const echo of echoes) echo.close()
  report(`pg: ${atOnce} callers, ${connections} connections`, median(blocks.pg), 'calls/s')
  report(`the same for ${atOnce} bare processes`, median(blocks.raw), 'calls/s')
  report(`${atOnce} functions at once, ${connections} connections`, median(blocks.ours), 'calls/s')
  report('ratio', ratio(blocks, 'ours', 'pg'), 'x', { atLeast: 0.6 })
  report('ratio of the bare processes', ratio(blocks, 'raw', 'pg'), 'x')
  report('functions / bare processes', ratio(blocks, 'ours', 'raw'), 'x')
}

/** One figure per call and round, interleaved, by name; the first round is not counted. */
async function compare(calls) {
  const blocks = Object.fromEntries(Object.keys(calls).map((name) => [name, []]))
  for (const call of Object.values(calls)) await call()
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of Object.entries(calls)) blocks[name].push(await call())
  }
  return blocks
}

function ratio(blocks, name, reference) {
  return median(blocks[name].map((value, round) => value / blocks[reference][round]))
}

async function timeCalls(call, count) {
  const times = []
  for (let n = 0; n < count; n++) {
    const from = performance.now()
    await call()
    times.push((performance.now() - from) * 1000)
  }
  return times
}
