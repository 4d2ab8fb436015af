import { expect } from 'chai'
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
    expect(run.output).to.deep.equal({ receipt: 'o-1/ch_1', at: '2030-01-01T00:00:00.000Z' })
    expect(run.requests[0].headers.authorization).to.equal('Bearer key-1')
  })

  it('keeps the notes of each user apart', async () => {
    const db = { rows: { notes: [{ author: 'ada', text: 'hers' }] } }
    const run = await runFunction(notes, { text: 'his' }, { db, user: { id: 'bob' } })
    expect(run.output).to.deep.equal(['his'])
    expect(run.queries).to.have.length(2)
  })
})
