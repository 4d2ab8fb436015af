/**
 * `ctx.db` against `pg` in the host, on the same server in the same run: one query after the other, 32 functions at once with a pool of
 * the same size, and ten statements in one batch. The function times its own queries; calling it is not part of them.
 */
import { createPlatform } from '@cordon/core'
import { readEmbeddedFiles } from '@cordon/pool'
import { join } from 'node:path'
import pg from 'pg'
import { median, report } from '../measure.mjs'
import { withScratch } from '../scratch.mjs'

const rounds = 5
const queries = 100
const atOnce = 32
const connections = 8
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
  const { ours, theirs } = await compare(
    async () => (await platform.invoke('queries', { kind: 'query', count: queries })).output,
    () => timeCalls(() => client.query({ text: 'select 1', values: [] }), queries),
  )
  client.release()
  report("pg: query('select 1') in the host, p50", median(theirs), 'µs')
  report("ctx.db.query('select 1') in a warm function, p50", median(ours), 'µs')
  report('ratio', ratio(ours, theirs), 'x', 2.5)
}

async function batch(platform, pool) {
  const client = await pool.connect()
  const ten = async () => {
    await client.query('begin')
    for (let n = 0; n < 10; n++) await client.query({ text: 'select 1', values: [] })
    await client.query('commit')
  }
  const { ours, theirs } = await compare(
    async () => (await platform.invoke('queries', { kind: 'batch', count: queries })).output,
    () => timeCalls(ten, queries),
  )
  client.release()
  report('pg: ten statements in a transaction, p50', median(theirs), 'µs')
  report('ctx.db.batch of ten statements, p50', median(ours), 'µs')
  report('ratio', ratio(ours, theirs), 'x', 2)
}

async function many(platform, pool) {
  const perSecond = async (run) => {
    const from = performance.now()
    await Promise.all(Array.from({ length: atOnce }, run))
    return (atOnce * queries * 1000) / (performance.now() - from)
  }
  const ours = () => platform.invoke('queries', { kind: 'many', count: queries })
  const theirs = async () => {
    for (let n = 0; n < queries; n++) await pool.query({ text: 'select 1', values: [] })
  }
  // Enough of them warm.
  await perSecond(ours)
  await perSecond(theirs)
  const blocks = []
  for (let round = 0; round < rounds; round++) blocks.push({ ours: await perSecond(ours), theirs: await perSecond(theirs) })
  report(`pg: ${atOnce} callers, ${connections} connections`, median(blocks.map((block) => block.theirs)), 'calls/s')
  report(`${atOnce} functions at once, ${connections} connections`, median(blocks.map((block) => block.ours)), 'calls/s')
  report('ratio', median(blocks.map((block) => block.ours / block.theirs)), 'x', { atLeast: 0.6 })
}

/** Medians of interleaved blocks. */
async function compare(ours, theirs) {
  await ours()
  await theirs()
  const medians = { ours: [], theirs: [] }
  for (let round = 0; round < rounds; round++) {
    medians.ours.push(median(await ours()))
    medians.theirs.push(median(await theirs()))
  }
  return medians
}

function ratio(ours, theirs) {
  return median(ours.map((value, round) => value / theirs[round]))
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
