import type { DatabaseSession, RawQueryResult } from '@cordon/contracts'
import { quote } from './schema-setup.ts'

/** One piece of what a tenant has in the function database. Values are the text that PostgreSQL writes. */
export type ExportedItem =
  | {
      readonly kind: 'table'
      readonly name: string
      readonly columns: readonly { readonly name: string; readonly type: string; readonly isNullable: boolean; readonly default: string | null }[]
    }
  | { readonly kind: 'rows'; readonly table: string; readonly rows: readonly (readonly (string | null)[])[] }
  | { readonly kind: 'sequence'; readonly name: string; readonly lastValue: string | null }
  | {
      readonly kind: 'definition'
      readonly of: 'type' | 'constraint' | 'index' | 'view' | 'function' | 'trigger' | 'policy'
      /** The table it belongs to; `null` for what stands alone. */
      readonly table: string | null
      readonly name: string
      readonly sql: string
    }

/** Rows of one item. Few: with `exportPageBytes`, each may have 12 MB on average, which is more than a function can write from outside. */
const pageRows = 20
/** Most bytes of one item: what a tenant wrote must not fill the memory of the host. */
export const exportPageBytes = 250_000_000

const own = 'pg_catalog.current_schema()::pg_catalog.regnamespace'

const definitions = `
  SELECT 'type', NULL, t.typname, CASE t.typtype
      WHEN 'e' THEN 'ENUM (' || (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_catalog.pg_enum WHERE enumtypid = t.oid) || ')'
      WHEN 'd' THEN 'DOMAIN ' || pg_catalog.format_type(t.typbasetype, t.typtypmod)
        || coalesce((SELECT pg_catalog.string_agg(' ' || pg_catalog.pg_get_constraintdef(k.oid), '') FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid), '')
      ELSE '(' || (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname) || ' ' || pg_catalog.format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
        FROM pg_catalog.pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped) || ')' END
    FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace = ${own} AND (t.typtype IN ('e', 'd') OR (t.typtype = 'c' AND c.relkind = 'c'))
  UNION ALL SELECT 'constraint', c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid)
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid WHERE c.relnamespace = ${own}
  UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_catalog.pg_indexes WHERE schemaname = pg_catalog.current_schema()
  UNION ALL SELECT 'view', NULL, relname, pg_catalog.pg_get_viewdef(oid) FROM pg_catalog.pg_class WHERE relnamespace = ${own} AND relkind IN ('v', 'm')
  UNION ALL SELECT 'function', NULL, proname, pg_catalog.pg_get_functiondef(oid) FROM pg_catalog.pg_proc WHERE pronamespace = ${own} AND prokind IN ('f', 'p', 'w')
  UNION ALL SELECT 'trigger', c.relname, t.tgname, pg_catalog.pg_get_triggerdef(t.oid)
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = ${own} AND NOT t.tgisinternal
  UNION ALL SELECT 'policy', tablename, policyname, pg_catalog.concat_ws(' ', permissive, cmd, 'USING', qual, 'WITH CHECK', with_check)
    FROM pg_catalog.pg_policies WHERE schemaname = pg_catalog.current_schema()`

const tables = `
  SELECT c.relname, c.relkind, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    FROM pg_catalog.pg_class c
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = ${own} AND c.relkind IN ('r', 'p') ORDER BY c.relname, a.attnum`

/**
 * Everything a tenant has in the function database, as it was at one moment. It is read by the tenant's own role: nothing that a tenant
 * wrote (a view, a function) runs with more rights than it has.
 */
export async function* exportTenant(session: DatabaseSession): AsyncGenerator<ExportedItem, void, undefined> {
  const transaction = await session.begin()
  const ask = (text: string): Promise<RawQueryResult> => session.query(text, [], transaction)
  await ask('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY')
  for await (const rows of pagesOf(session, transaction, definitions)) {
    for (const [of, table, name, sql] of rows) yield { kind: 'definition', of: kindOf(of), table: table ?? null, name: name ?? '', sql: sql ?? '' }
  }
  const sequences = await ask(
    'SELECT sequencename, last_value FROM pg_catalog.pg_sequences WHERE schemaname = pg_catalog.current_schema() ORDER BY 1',
  )
  for (const [name, lastValue] of sequences.rows) yield { kind: 'sequence', name: name ?? '', lastValue: lastValue ?? null }
  for (const table of tablesFrom((await ask(tables)).rows)) {
    yield { kind: 'table', name: table.name, columns: table.columns }
    // The rows of a partitioned table are those of its partitions, which are tables here.
    if (table.isPartitioned) continue
    const text = `SELECT ${table.columns.map(({ name }) => `${quote(name)}::text`).join(', ')} FROM ONLY ${quote(table.name)}`
    for await (const rows of pagesOf(session, transaction, text)) yield { kind: 'rows', table: table.name, rows }
  }
  await session.rollback(transaction)
}

async function* pagesOf(session: DatabaseSession, transaction: number, text: string): AsyncGenerator<RawQueryResult['rows'], void, undefined> {
  let page = await session.openCursor({ text, values: [] }, pageRows, transaction)
  for (;;) {
    if (page.rows.length > 0) yield page.rows
    if (page.isLast) return
    page = await session.fetchCursor(page.cursor)
  }
}

type Columns = Extract<ExportedItem, { kind: 'table' }>['columns']

function tablesFrom(rows: RawQueryResult['rows']): { name: string; isPartitioned: boolean; columns: Columns }[] {
  const found = new Map<string, { name: string; isPartitioned: boolean; columns: Columns[number][] }>()
  for (const [name, kind, column, type, isNotNull, defaultValue] of rows) {
    const table = found.get(name ?? '') ?? { name: name ?? '', isPartitioned: kind === 'p', columns: [] }
    found.set(table.name, table)
    // A table may have no columns.
    if (column !== null && column !== undefined)
      table.columns.push({ name: column, type: type ?? '', isNullable: isNotNull !== 't', default: defaultValue ?? null })
  }
  return [...found.values()]
}

const kinds = ['type', 'constraint', 'index', 'view', 'function', 'trigger', 'policy'] as const

function kindOf(text: string | null | undefined): (typeof kinds)[number] {
  return kinds.find((kind) => kind === text) ?? 'type'
}
