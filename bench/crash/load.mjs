/** Callers who write rows, and who note in the ledger what they were told. */
import { setTimeout as delay } from 'node:timers/promises'
import { call } from './client.mjs'
import { accounts, tenants } from './functions.mjs'

/** What may not leave a row behind, whatever its caller is told. */
const never = new Set(['thrown', 'abandoned'])
const acts = ['one', 'batch', 'transaction', 'slow', 'thrown', 'abandoned', 'transfer']
/** Answers that say that the function did not begin. */
const notBegun = new Set(['OVERLOADED', 'SANDBOX_FAILED', 'LOAD_FAILED', 'FUNCTION_NOT_FOUND'])

/** Writes rows until `gate` is closed for good. */
export async function writeRows({ host, ledger, random, gate }) {
  while (await gate.pass()) {
    const act = random.of(acts)
    const tenant = random.of(tenants)
    const parts = random.between(2, 5)
    const from = random.between(0, accounts.count - 1)
    const to = (from + random.between(1, accounts.count - 1)) % accounts.count
    const expected = act === 'slow' ? parts + 1 : act === 'one' || act === 'transfer' ? 1 : parts
    const entry = ledger.begin('row', { act, tenant, expected, isNever: never.has(act) })
    const answer = await call(host.port, 'rows', { tenant, input: { act, op: entry.id, parts, from, to } })
    ledger.end(entry, outcomeOf(answer), told(answer))
    await gate.leave(answer)
  }
}

/** Calls a function that needs no database: its record is all there is of it. */
export async function callPlain({ host, ledger, random, gate }) {
  while (await gate.pass()) {
    const entry = ledger.begin('call', {})
    const answer = await call(host.port, 'plain')
    ledger.end(entry, outcomeOf(answer), told(answer))
    await gate.leave(answer)
    await delay(random.between(0, 20))
  }
}

function outcomeOf({ kind, code }) {
  if (kind === 'done') return 'acknowledged'
  return kind === 'unsent' || notBegun.has(code) ? 'refused' : 'unknown'
}

/** What is kept of an answer. */
export function told({ kind, code, message, isLate, value }) {
  if (kind === 'done') return { invocationId: value?.invocationId }
  return { answer: code ?? kind, ...(isLate ? { isLate } : {}), ...(message ? { message: message.slice(0, 200) } : {}) }
}
