import {
  decodeResult,
  decodeRows,
  encodeValues,
  type BatchStatement,
  type ContextDatabase,
  type CursorOptions,
  type Queryable,
  type QueryResult,
  type WirePage,
  type WireResult,
} from '@cordon/contracts'
import type { Call } from './call.ts'
import { callHost } from './host-call.ts'
import { isArray, objectFreeze } from './primordials.ts'

/** Rows that a cursor fetches at a time, unless told otherwise. */
const defaultBatchRows = 500

/** `ctx.db` of one invocation. */
export function createDatabase(call: Call): ContextDatabase {
  return objectFreeze({
    ...queryable(call, undefined),
    transaction: <T>(run: (tx: Queryable) => Promise<T>) => transaction(call, run),
  })
}

/** The ways to run SQL; `number` is that of the transaction, if it is in one. */
function queryable(call: Call, number: number | undefined): Queryable {
  const scope = number === undefined ? {} : { transaction: number }
  async function query<Row>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    return decodeResult<Row>((await callHost(call, 'db.query', { ...statementOf(text, values), ...scope })) as WireResult)
  }
  return objectFreeze({
    query,
    async sql<Row>(strings: TemplateStringsArray, ...values: readonly unknown[]) {
      return query<Row>(textOf(strings, values.length), values)
    },
    async batch(list: readonly BatchStatement[]) {
      if (!isArray(list)) throw new TypeError('Cannot run the batch: expected a list of statements')
      const statements = list.map((one: BatchStatement) => (typeof one === 'string' ? statementOf(one) : statementOf(one?.text, one?.values)))
      const results = (await callHost(call, 'db.batch', { statements, ...scope })) as WireResult[]
      return results.map((result): QueryResult => decodeResult(result))
    },
    cursor: <Row>(text: string, values?: readonly unknown[], { batchRows = defaultBatchRows }: CursorOptions = {}) =>
      readCursor<Row>(call, { ...statementOf(text, values), batchRows, ...scope }),
  })
}

function statementOf(text: unknown, values: readonly unknown[] = []) {
  if (typeof text !== 'string') throw new TypeError('Cannot run the query: its text is not a string')
  return { text, values: encodeValues(values) }
}

/** A template as text with `$1`, `$2`, … Data can never be mistaken for a template: no JSON makes a list that has a list `raw` besides. */
function textOf(strings: TemplateStringsArray, count: number): string {
  if (!isArray(strings) || !isArray(strings.raw) || strings.length !== count + 1) {
    throw new TypeError('Cannot run the query: sql is a template tag, sql`select …`. For a text there is query(text, values)')
  }
  let text = ''
  for (let index = 0; index <= count; index++) {
    const part: unknown = strings[index]
    if (typeof part !== 'string') throw new TypeError('Cannot run the query: its template has an invalid escape sequence')
    text += index === 0 ? part : `$${index}${part}`
  }
  return text
}

/** While one batch is read the next is on its way, and no more. */
async function* readCursor<Row>(call: Call, argument: object): AsyncGenerator<Row, void, undefined> {
  let page = (await callHost(call, 'db.open', argument)) as WirePage
  // Later pages do not repeat them.
  const { cursor, fields } = page
  try {
    for (;;) {
      const next = page.isLast ? undefined : (callHost(call, 'db.fetch', { cursor }) as Promise<WirePage>)
      // Whoever stops reading does not wait for it.
      next?.catch(() => undefined)
      yield* decodeRows<Row>(fields, page.rows)
      if (next === undefined) return
      page = await next
    }
  } finally {
    if (!page.isLast) await callHost(call, 'db.close', { cursor }).catch(() => undefined)
  }
}

async function transaction<T>(call: Call, run: (tx: Queryable) => Promise<T>): Promise<T> {
  const number = (await callHost(call, 'db.begin', {})) as number
  let result: T
  try {
    result = await run(queryable(call, number))
  } catch (thrown) {
    // The function's own error is what counts; the host rolls back at the end of the invocation in any case.
    await callHost(call, 'db.rollback', { transaction: number }).catch(() => undefined)
    throw thrown
  }
  await callHost(call, 'db.commit', { transaction: number })
  return result
}
