import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runFunction } from '@cordon/testing'

const charge = new URL('../../functions/charge.ts', import.meta.url)
const notes = new URL('../../functions/notes', import.meta.url)

describe('charge', () => {
  it('charges what was asked for, with the key', async () => {
    const run = await runFunction(
      charge,
      { orderId: 'o-1', amount: 700 },
      {
        secrets: { PAY_KEY: 'key-1' },
        fetch: { 'POST https://api.pay.example/charges': { id: 'ch_1' } },
        clock: '2030-01-01T00:00:00Z',
      },
    )
    assert.deepEqual(run.output, { receipt: 'o-1/ch_1', at: '2030-01-01T00:00:00.000Z' })
    assert.equal(run.requests[0].headers.authorization, 'Bearer key-1')
    assert.equal(run.logs[0].message, 'charging')
  })

  it('says that the payment was refused', async () => {
    const fetch = () => new Response('no', { status: 402 })
    await assert.rejects(runFunction(charge, { orderId: 'o-1', amount: 700 }, { fetch, secrets: { PAY_KEY: 'key-1' } }), {
      code: 'FUNCTION_ERROR',
      message: 'The payment was refused with 402',
    })
  })
})

describe('notes', () => {
  it('keeps the notes of each user apart', async () => {
    const db = { rows: { notes: [{ author: 'ada', text: 'hers' }] } }
    const run = await runFunction(notes, { text: 'his' }, { db, user: { id: 'bob' } })
    assert.deepEqual(run.output, ['his'])
    const { rows } = await run.db.query('SELECT author FROM notes ORDER BY id')
    assert.deepEqual(rows, [{ author: 'ada' }, { author: 'bob' }])
  })
})
