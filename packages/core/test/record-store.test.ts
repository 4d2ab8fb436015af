import { expect } from 'chai'
import { nothingUsed, type InvocationRecord, type LogLevel, type OutcomeKind } from '@cordon/contracts'
import type { SqlPool } from '@cordon/pool'
import { createPlatform } from '@cordon/core'
import { first } from '../dist/store/migrations/0001-first.js'
import { logLocations } from '../dist/store/migrations/0002-log-locations.js'
import { FunctionStore } from '../dist/store/function-store.js'
import { migrate } from '../dist/store/migrate.js'
import { RecordPartitions } from '../dist/store/record-partitions.js'
import { RecordReader, type RecordFilter, type RecordPlace } from '../dist/store/record-reader.js'
import { readUsage } from '../dist/store/usage.js'
import { RecordWriter, type RecordItem } from '../dist/store/record-writer.js'
import { rejection } from './support/rejection.ts'
import { createNotingLogger } from './support/scratch.ts'
import { startServer, type TestServer } from './support/server.ts'

const dayMs = 86_400_000
const noon = Date.UTC(2026, 0, 10, 12)

function itemOf(part: Partial<InvocationRecord> & { readonly tenant?: string; readonly levels?: readonly LogLevel[] } = {}): RecordItem {
  const { tenant = 'default', levels = [], ...given } = part
  const record: InvocationRecord = {
    ...{ invocationId: 'i', function: 'f', version: 'v1', outcome: 'success', startedAt: noon, droppedLogBytes: 0 },
    ...{ queueMs: 0, bootMs: 0, loadMs: 0, durationMs: 2, cpuMs: 1, peakMemoryMb: 10, coldStart: false, used: nothingUsed },
    ...given,
  }
  return { tenant, record, logs: levels.map((level) => ({ level, message: `${record.invocationId} ${level}`, time: record.startedAt })) }
}

describe('record store', function () {
  this.timeout(30_000)
  let server: TestServer
  before(async () => {
    server = await startServer()
  })
  after(() => server.stop())

  async function open(): Promise<{ sql: SqlPool; url: string; partitions: RecordPartitions; writer: RecordWriter }> {
    const { sql, url } = await server.database()
    await migrate(sql)
    await keepFunctions(sql, ['f', 'f0', 'f1', 'f2', 'a', 'b', 'c', 'd'])
    const partitions = new RecordPartitions(sql)
    return { sql, url, partitions, writer: new RecordWriter(sql, partitions) }
  }

  it('migrates once when several hosts start at the same time', async () => {
    const { sql } = await server.database()
    await Promise.all(Array.from({ length: 4 }, () => migrate(sql)))
    const { rows } = await sql.query<{ id: number }>('select id from cordon.migrations order by id')
    expect(rows.map(({ id }) => id)).to.deep.equal(Array.from({ length: rows.length }, (_, index) => index + 1))
  })

  it('leaves the schema as it was when a step fails', async () => {
    const { sql } = await server.database()
    await migrate(sql, [first])
    const broken = { id: 2, name: 'broken', statements: ['create table cordon.half (id int)', 'select nothing from nowhere'] }
    await rejection(migrate(sql, [first, broken]), 'STORE_UNAVAILABLE')
    expect((await sql.query("select to_regclass('cordon.half') as half, (select count(*)::int from cordon.migrations) as steps")).rows).to.deep.equal(
      [{ half: null, steps: 1 }],
    )
  })

  it('brings the records of an older schema along, and counts what they used', async () => {
    const { sql } = await server.database()
    await migrate(sql, [first, logLocations])
    for (const [index, time] of [noon - dayMs, noon].entries()) {
      await sql.query(
        `insert into cordon.invocations (tenant, function, version, invocation_id, outcome, started_at, queue_ms, boot_ms, load_ms, duration_ms, cpu_ms, peak_memory_mb, cold_start)
        values ('default', 'f', 'v1', $1, 'success', $2, 0, 0, 0, 1.5, 1, 9, true)`,
        [`i${index}`, time],
      )
      await sql.query(
        "insert into cordon.logs (tenant, function, version, invocation_id, level, message, time) values ('default', 'f', 'v1', $1, 1, 'x', $2)",
        [`i${index}`, time],
      )
    }
    await migrate(sql)
    const reader = new RecordReader(sql, 'default')
    expect((await reader.invocations({ limit: 10 })).items.map(({ invocationId }) => invocationId)).to.deep.equal(['i1', 'i0'])
    expect((await reader.logs({ limit: 10 })).items).to.have.length(2)
    expect((await sql.query('select day::text, invocations::int from cordon.usage order by day')).rows).to.deep.equal([
      { day: '2026-01-09', invocations: 1 },
      { day: '2026-01-10', invocations: 1 },
    ])
    await keepFunctions(sql, ['f'])
    await new RecordWriter(sql, new RecordPartitions(sql)).write([itemOf({ invocationId: 'new', startedAt: noon })])
    expect((await reader.invocations({ limit: 1 })).items[0]?.invocationId).to.equal('new')
  })

  it('gives every record once, newest first, whatever is filtered and however small the pages are', async () => {
    const { sql, writer } = await open()
    const outcomes: readonly OutcomeKind[] = ['success', 'success', 'TIMEOUT', 'FUNCTION_ERROR']
    const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
    const base = Date.now() - 5 * dayMs
    const items = Array.from({ length: 120 }, (_, index) =>
      itemOf({
        ...{ invocationId: `i${index}`, function: `f${index % 3}`, version: `v${index % 2}`, levels: [levels[index % 4] ?? 'info'] },
        ...{ outcome: outcomes[index % 4] ?? 'success', tenant: index % 5 === 0 ? 'other' : 'default' },
        // Many in one millisecond, in no order, over four days, some in each of the spans that are asked for one after the other.
        startedAt: base + ((index * 7) % 4) * dayMs + (index % 6),
      }),
    )
    await writer.write(items)
    const filters: Omit<RecordFilter, 'limit'>[] = [
      {},
      { function: 'f1' },
      { version: 'v1' },
      { function: 'f2', version: 'v0' },
      { since: base + dayMs },
      { until: base + dayMs + 3 },
      { function: 'f0', since: base + 2, until: base + 3 * dayMs + 1 },
    ]
    for (const filter of filters) {
      for (const outcome of [undefined, 'success', 'TIMEOUT'] as const) {
        const seen = await pages(new RecordReader(sql, 'default'), { ...filter, outcome }, 'invocations')
        expect(seen, JSON.stringify({ ...filter, outcome })).to.deep.equal(
          expected(items, filter, (item) => outcome === undefined || item.record.outcome === outcome),
        )
      }
      for (const level of [undefined, 'warn', 'error'] as const) {
        const seen = await pages(new RecordReader(sql, 'default'), { ...filter, level }, 'logs')
        const isShown = (item: RecordItem): boolean => levels.indexOf(item.logs[0]?.level ?? 'debug') >= levels.indexOf(level ?? 'debug')
        expect(seen, JSON.stringify({ ...filter, level })).to.deep.equal(expected(items, filter, isShown))
      }
    }
  })

  it('does not bring back, as records, what another host removed', async () => {
    const { sql, writer } = await open()
    await writer.write([itemOf({ function: 'f0', levels: ['info'] })])
    const store = new FunctionStore(sql, { tenant: 'default', host: 'h' })
    // Each batch is written before the function goes, and deleted with it, or after, and left out.
    await Promise.all([
      ...Array.from({ length: 10 }, () => writer.write([itemOf({ function: 'f0' }), itemOf({ function: 'f1' })])),
      store.remove('f0'),
    ])
    await writer.write([itemOf({ function: 'f0', levels: ['info'] })])
    const { rows } = await sql.query('select function, count(*)::int as count from cordon.invocations group by 1')
    expect(rows).to.deep.equal([{ function: 'f1', count: 10 }])
    expect((await sql.query('select 1 from cordon.logs')).rows).to.deep.equal([])
  })

  it('drops days that are too old or too much, never today, and takes rows of a dropped day again', async () => {
    const { sql, partitions, writer } = await open()
    const other = new RecordPartitions(sql)
    const days = (): Promise<string[]> =>
      sql
        .query<{ name: string }>("select inhrelid::regclass::text as name from pg_inherits where inhparent = 'cordon.logs'::regclass order by 1")
        .then(({ rows }) => rows.map(({ name }) => name.replace(/^.*logs_/, '')))
    const today = Math.floor(noon / dayMs)
    await writer.write([0, 1, 2, 3].map((back) => itemOf({ startedAt: noon - back * dayMs, levels: ['info'] })))
    expect(await days()).to.deep.equal([3, 2, 1, 0].map((back) => String(today - back)))
    await other.drop({ keepDays: 2, keepBytes: 1e12 }, noon)
    expect(await days()).to.deep.equal([2, 1, 0].map((back) => String(today - back)))
    // This host still believes that the day is there.
    await writer.write([itemOf({ startedAt: noon - 3 * dayMs })])
    expect(await days()).to.have.length(4)
    const left = await partitions.drop({ keepDays: 100, keepBytes: 1 }, noon)
    expect(await days()).to.deep.equal([String(today)])
    expect(left).to.be.greaterThan(1)
  })

  it('adds up the use of each day while several hosts write the same functions', async () => {
    const { sql, partitions, writer } = await open()
    const second = new RecordWriter(sql, new RecordPartitions(sql))
    const names = ['a', 'b', 'c', 'd']
    const used = { requests: 2, sentBytes: 3_000_000_000, receivedBytes: 5, functionCalls: 7, queries: 1 }
    const batch = (list: readonly string[]): RecordItem[] =>
      list.map((name) => itemOf({ function: name, ...(name === 'a' ? { outcome: 'TIMEOUT', used, parentId: 'p' } : {}) }))
    await partitions.ensure([])
    // In opposite orders: each would wait for the other's rows for ever.
    await Promise.all(Array.from({ length: 20 }, () => [writer.write(batch(names)), second.write(batch(names.toReversed()))]).flat())
    const { rows } = await sql.query(
      'select function, invocations::int, failures::int, duration_ms, peak_memory_mb from cordon.usage order by function',
    )
    expect(rows).to.deep.equal(
      names.map((name) => ({ function: name, invocations: 40, failures: name === 'a' ? 40 : 0, duration_ms: 80, peak_memory_mb: 10 })),
    )
    const days = await readUsage(sql, 'default', { name: undefined, since: '2026-01-10', until: '2026-01-10' })
    expect(days.map((one) => [one.requests, one.sentBytes, one.receivedBytes, one.functionCalls, one.queries])).to.deep.equal([
      [80, 120_000_000_000, 200, 280, 40],
      ...[1, 2, 3].map(() => [0, 0, 0, 0, 0]),
    ])
    const { items } = await new RecordReader(sql, 'default').invocations({ limit: 80 })
    const isOfA = ({ function: name }: InvocationRecord): boolean => name === 'a'
    expect(items.filter(isOfA).map((one) => [one.used, one.parentId])).to.deep.equal(
      Array.from({ length: items.filter(isOfA).length }, () => [used, 'p']),
    )
    expect(items.filter((one) => !isOfA(one)).every((one) => one.used === nothingUsed && one.parentId === undefined)).to.equal(true)
  })

  it('drops old days when a platform starts, and says when today alone is too much', async () => {
    const { sql, url, writer } = await open()
    const now = Date.now()
    await writer.write([
      itemOf({ startedAt: now - 5 * dayMs }),
      ...Array.from({ length: 1500 }, () => itemOf({ startedAt: now, version: 'v'.repeat(400) })),
    ])
    const logger = createNotingLogger()
    const platform = await createPlatform({ databaseUrl: url, logger, records: { keepDays: 4, keepMb: 1 } })
    const warned = new Promise<string>((resolve) => platform.on('warning', ({ message }) => resolve(message)))
    expect(logger.lines.find((line) => line.includes('MiB')) ?? (await warned)).to.contain('below 1 MiB: those of today alone')
    await platform.close()
    const { rows } = await sql.query<{ count: number }>('select count(*)::int as count from cordon.invocations where started_at < $1', [now - dayMs])
    expect(rows).to.deep.equal([{ count: 0 }])
  })
})

/** Records are kept of functions that are there. */
async function keepFunctions(sql: SqlPool, names: readonly string[]): Promise<void> {
  await sql.query(`
    insert into cordon.tenants values ('default', 0), ('other', 0) on conflict do nothing;
    insert into cordon.functions select tenant, name, 'v', 0, 0 from unnest(array['default', 'other']) tenant, unnest(array['${names.join("','")}']) name;
    insert into cordon.versions select tenant, name, 'v', '{}', '{}', '', '', '', 0 from cordon.functions`)
}

/** Ids of all pages; as sets of equal time, in whose order of writing `expected` does not go. */
async function pages(reader: RecordReader, filter: Omit<RecordFilter, 'limit'>, kind: 'invocations' | 'logs'): Promise<string[]> {
  const ids: string[] = []
  let before: RecordPlace | undefined
  for (;;) {
    const { items, next } = await reader[kind]({ ...filter, limit: 7, before })
    ids.push(...items.map(({ invocationId }) => invocationId))
    if (next === null) return ids
    const [time = 0, seq = 0] = next.split('-').map(Number)
    before = { time, seq }
  }
}

/** Written in the order of the list, so of two with one time the later is the newer. */
function expected(items: readonly RecordItem[], filter: Omit<RecordFilter, 'limit'>, isShown: (item: RecordItem) => boolean): string[] {
  const { function: name, version, since = 0, until = Infinity } = filter
  return items
    .filter(
      ({ tenant, record }) =>
        tenant === 'default' && (name === undefined || record.function === name) && (version === undefined || record.version === version),
    )
    .filter((item) => item.record.startedAt >= since && item.record.startedAt < until && isShown(item))
    .map((item, index) => ({ item, index }))
    .toSorted((a, b) => b.item.record.startedAt - a.item.record.startedAt || b.index - a.index)
    .map(({ item }) => item.record.invocationId)
}
