import { PlatformError, runFunction } from '@cordon/testing'
import { describe, expect, it } from 'vitest'

const charge = new URL('../../functions/charge.ts', import.meta.url)
const notes = new URL('../../functions/notes', import.meta.url)

// The first test starts the platform.
describe('charge', { timeout: 60_000 }, () => {
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
    expect(run.output).toEqual({ receipt: 'o-1/ch_1', at: '2030-01-01T00:00:00.000Z' })
    expect(run.requests).toMatchObject([{ method: 'POST', headers: { authorization: 'Bearer key-1' }, body: '{"amount":700}' }])
  })

  it('refuses an amount that is no number, as it will in production', async () => {
    const wrong = runFunction(charge, { orderId: 'o-1', amount: 'much' })
    await expect(wrong).rejects.toThrow(PlatformError)
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('keeps the notes of each user apart', async () => {
    const db = { rows: { notes: [{ author: 'ada', text: 'hers' }] } }
    const run = await runFunction(notes, { text: 'his' }, { db, user: { id: 'bob' } })
    expect(run.output).toEqual(['his'])
  })
})
