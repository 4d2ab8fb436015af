import { decodeValues, encodePage, encodeResult, isRecord, type DatabaseSession, type RawStatement } from '@cordon/contracts'
import { invalidArgument } from './refusal.ts'

/** Most statements of one batch: as many as there are calls of the host at once. */
const maxBatch = 1000
/** Most rows of one page of a cursor. */
const maxBatchRows = 10_000

type Argument = Record<string, unknown>
type Method = (database: DatabaseSession, argument: Argument) => Promise<unknown>

/**
 * What a sandbox can ask of the database. A `Map`: the names come from the sandbox, and an object would answer to `constructor`. Every
 * field of an argument is checked, because it comes over the pipe.
 */
export const databaseMethods: ReadonlyMap<unknown, Method> = new Map<unknown, Method>([
  ['db.query', query],
  ['db.batch', batch],
  ['db.open', openCursor],
  ['db.fetch', async (database, { cursor }) => encodePage(await database.fetchCursor(numberOf('db.fetch', cursor, 'cursor')))],
  ['db.close', async (database, { cursor }) => database.closeCursor(numberOf('db.close', cursor, 'cursor'))],
  ['db.begin', (database) => database.begin()],
  ['db.commit', (database, { transaction }) => database.commit(numberOf('db.commit', transaction, 'transaction'))],
  ['db.rollback', (database, { transaction }) => database.rollback(numberOf('db.rollback', transaction, 'transaction'))],
])

/** Statements that a call sends to the database, before anything was checked. */
export function statementsOf(method: string, { statements }: Argument): number {
  if (method === 'db.batch') return Array.isArray(statements) ? Math.min(statements.length, maxBatch) : 0
  return method === 'db.query' || method === 'db.open' ? 1 : 0
}

async function query(database: DatabaseSession, argument: Argument): Promise<unknown> {
  const { text, values } = statementOf('db.query', argument)
  return encodeResult(await database.query(text, values, transactionOf('db.query', argument)))
}

async function batch(database: DatabaseSession, argument: Argument): Promise<unknown> {
  const { statements } = argument
  if (!Array.isArray(statements) || statements.length > maxBatch) throw invalidArgument('db.batch', `a list of at most ${maxBatch} statements`)
  const list = statements.map((one: unknown) => statementOf('db.batch', one))
  return (await database.batch(list, transactionOf('db.batch', argument))).map(encodeResult)
}

async function openCursor(database: DatabaseSession, argument: Argument): Promise<unknown> {
  const { batchRows } = argument
  if (typeof batchRows !== 'number' || !Number.isInteger(batchRows) || batchRows < 1 || batchRows > maxBatchRows) {
    throw invalidArgument('db.open', `batchRows from 1 to ${maxBatchRows}`)
  }
  return encodePage(await database.openCursor(statementOf('db.open', argument), batchRows, transactionOf('db.open', argument)))
}

function statementOf(method: string, value: unknown): RawStatement {
  if (!isRecord(value) || typeof value['text'] !== 'string') throw invalidArgument(method, 'a text')
  return { text: value['text'], values: decodeValues(value['values'] ?? []) }
}

function transactionOf(method: string, { transaction }: Argument): number | undefined {
  return transaction === undefined ? undefined : numberOf(method, transaction, 'transaction')
}

function numberOf(method: string, value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw invalidArgument(method, `the number of a ${what}`)
}
