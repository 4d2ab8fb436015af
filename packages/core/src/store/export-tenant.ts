import type { TenantExportItem } from '@cordon/contracts'
import { textOf } from './row.ts'
import type { Sql } from './sql.ts'

/** Rows that are read at once. */
const rowsAtOnce = 500

/** What belongs to a tenant: kind, table, columns, and the order in which it is read. Values of secrets are left out: they never leave. */
const tables: readonly {
  readonly kind: TenantExportItem['kind']
  readonly from: string
  readonly columns: string
  readonly key: readonly string[]
}[] = [
  { kind: 'user', from: 'users', columns: 'id, first_at, last_at', key: ['id'] },
  { kind: 'secret', from: 'secrets', columns: 'name, created_at, updated_at', key: ['name'] },
  { kind: 'function', from: 'functions', columns: 'name, live, created_at, updated_at', key: ['name'] },
  {
    kind: 'version',
    from: 'versions',
    columns: "function, version, manifest, schemas, encode(code, 'base64') as code, encode(source_map, 'base64') as source_map, hash, created_at",
    key: ['function', 'version'],
  },
  { kind: 'deployment', from: 'deployments', columns: 'seq, function, version, kind, label, user_id, capabilities, created_at', key: ['seq'] },
  {
    kind: 'usage',
    from: 'usage',
    columns:
      'day::text as day, function, invocations, failures, cold_starts, duration_ms, cpu_ms, peak_memory_mb, log_entries, requests, sent_bytes, received_bytes, function_calls, queries',
    key: ['day', 'function'],
  },
  {
    kind: 'invocation',
    from: 'invocations',
    columns:
      'seq, function, version, invocation_id, outcome, message, user_id, started_at, queue_ms, boot_ms, load_ms, duration_ms, cpu_ms, peak_memory_mb, cold_start, dropped_log_bytes, parent_id, trace_id, used',
    key: ['started_at', 'seq'],
  },
  { kind: 'log', from: 'logs', columns: 'seq, function, version, invocation_id, level, message, fields, location, time', key: ['time', 'seq'] },
]

/** Everything of a tenant in the store, a part at a time: what is not asked for is not read. Nothing for a tenant that has nothing. */
export async function* exportTenant(sql: Sql, tenant: string): AsyncGenerator<TenantExportItem, undefined> {
  const { rows } = await sql.query('select id, created_at from cordon.tenants where id = $1', [tenant])
  for (const row of rows) yield { kind: 'tenant', row }
  for (const { kind, from, columns, key } of tables) {
    let after: readonly string[] | undefined
    do {
      const page: readonly Readonly<Record<string, unknown>>[] = (
        await sql.query(selectPage({ from, columns, key }, after !== undefined), [tenant, ...(after ?? [])])
      ).rows
      for (const row of page) yield { kind, row }
      const last = page.length < rowsAtOnce ? undefined : page.at(-1)
      after = last === undefined ? undefined : key.map((column) => textOf({ text: String(last[column]) }, 'text'))
    } while (after !== undefined)
  }
  return undefined
}

function selectPage(
  { from, columns, key }: { readonly from: string; readonly columns: string; readonly key: readonly string[] },
  isNext: boolean,
): string {
  // The values come back as text; they take the type of the column they are compared with.
  const place = isNext ? `and (${key.join(', ')}) > (${key.map((_, index) => `$${index + 2}`).join(', ')})` : ''
  return `select ${columns} from cordon.${from} where tenant = $1 ${place} order by ${key.map((column) => `${from}.${column}`).join(', ')} limit ${rowsAtOnce}`
}
