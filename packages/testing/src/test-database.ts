import { createHash } from 'node:crypto'
import { types } from 'node:util'
import {
  decodeResult,
  decodeValues,
  encodeResult,
  encodeValues,
  PlatformError,
  type ContextDatabase,
  type FunctionDatabase,
  type QueryResult,
} from '@cordon/contracts'
import { holdProcess } from './hold-process.ts'
import type { SeedOptions } from './options.ts'

/** Longest statement of a test in milliseconds. */
const queryTimeoutMs = 10_000

/** The database of the function under test, as its own role sees it. */
export type TestDatabase = Pick<ContextDatabase, 'query' | 'sql'>

/** Opens the function database of a tenant for a test, until that is closed. */
export function createTestDatabase(database: FunctionDatabase, tenant: string, isClosed: () => boolean): TestDatabase {
  async function query<Row>(text: string, values: readonly unknown[] = []): Promise<QueryResult<Row>> {
    return holdProcess(async () => {
      if (isClosed()) throw new PlatformError('CLOSED', 'Cannot run the query: the function under test was closed, and its database removed')
      const session = database.session(tenant, Date.now() + queryTimeoutMs)
      try {
        return decodeResult<Row>(encodeResult(await session.query(text, parameters(values))))
      } finally {
        await session.end()
      }
    })
  }
  return {
    query,
    sql: (strings, ...values) =>
      query(
        strings.reduce((text, part, index) => `${text}$${index}${part}`),
        values,
      ),
  }
}

/** Fills the database before the first call. @throws PlatformError QUERY_FAILED, INVALID_OPTION for SQL that cannot be run */
export async function seed(database: FunctionDatabase, tenant: string, { sql, rows = {} }: SeedOptions): Promise<void> {
  if (sql !== undefined) {
    const sha256 = createHash('sha256').update(sql).digest('hex')
    const outcome = await database.migrate(tenant, { function: 'test', migrations: [{ name: '0001_test.sql', text: sql, sha256 }] })
    if (outcome.kind === 'refused') {
      const place = outcome.position === undefined ? '' : ` (at character ${outcome.position})`
      throw new PlatformError('INVALID_OPTION', `Cannot run the SQL of the option db: ${outcome.message}${place}`, { details: { option: 'db.sql' } })
    }
  }
  const statements = Object.entries(rows).flatMap(([table, list]) => list.map((row) => insert(table, row)))
  if (statements.length === 0) return
  const session = database.session(tenant, Date.now() + queryTimeoutMs)
  try {
    await session.batch(statements)
  } finally {
    await session.end()
  }
}

function insert(table: string, row: Readonly<Record<string, unknown>>) {
  const columns = Object.keys(row)
  if (columns.length === 0) return { text: `INSERT INTO ${quoted(table)} DEFAULT VALUES`, values: [] }
  const places = columns.map((_, index) => `$${index + 1}`)
  return {
    text: `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES (${places.join(', ')})`,
    values: parameters(Object.values(row)),
  }
}

/** Dates of a test may come from another realm than this one. */
function parameters(values: readonly unknown[]): unknown[] {
  return decodeValues(encodeValues(values.map((value) => (types.isDate(value) ? new Date(value) : value))))
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
