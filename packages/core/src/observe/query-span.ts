import { isRecord, PlatformError } from '@cordon/contracts'
import { SpanKind, type Attributes } from '@opentelemetry/api'
import { operationOf, queryText } from './query-text.ts'
import type { TraceSpan } from './trace-span.ts'

type Argument = Readonly<Record<string, unknown>>

/** Names of what is no statement of the function itself. */
const operations: Readonly<Record<string, string>> = {
  'db.batch': 'BATCH',
  'db.fetch': 'FETCH',
  'db.close': 'CLOSE',
  'db.begin': 'BEGIN',
  'db.commit': 'COMMIT',
  'db.rollback': 'ROLLBACK',
}

/** Runs what a function asks of the database, with a span where somebody gets to see it. Names are those of the semantic conventions for databases. */
export async function withQuerySpan<T>(parent: TraceSpan, method: string, argument: Argument, run: () => Promise<T>): Promise<T> {
  if (!parent.isRecording) return run()
  const attributes = attributesOf(method, argument)
  const span = parent.child({ name: String(attributes['db.operation.name']), kind: SpanKind.CLIENT, attributes })
  try {
    const result = await run()
    span.end()
    return result
  } catch (error) {
    const sqlState = error instanceof PlatformError ? error.details['sqlState'] : undefined
    if (typeof sqlState === 'string') span.set({ 'db.response.status_code': sqlState })
    span.end({ error })
    throw error
  }
}

function attributesOf(method: string, { text, statements }: Argument): Attributes {
  const system = { 'db.system.name': 'postgresql' }
  if (typeof text === 'string') return { ...system, 'db.operation.name': operationOf(text), 'db.query.text': queryText(text) }
  const named = { ...system, 'db.operation.name': operations[method] ?? 'QUERY' }
  if (!Array.isArray(statements)) return named
  const [first]: readonly unknown[] = statements
  const firstText = isRecord(first) && typeof first['text'] === 'string' ? { 'db.query.text': queryText(first['text']) } : {}
  return { ...named, 'db.operation.batch.size': statements.length, ...firstText }
}
