/** Ten tests of functions as a project has them: plain ones, with answers to `fetch`, with a database. Runs under node:test and mocha; the name keeps it out of `npm test`. */
import assert from 'node:assert/strict'
import { describe as describeNode, it as itNode } from 'node:test'
import { fetchFunction, runFunction } from '@cordon/testing'

/** Those of mocha where it runs this, else those of node:test. */
const isMocha = 'describe' in globalThis
const describe = isMocha ? globalThis.describe : describeNode
const it = isMocha ? globalThis.it : itNode
const charge = new URL('../../examples/testing/functions/charge.ts', import.meta.url)
const notes = new URL('../../examples/testing/functions/notes', import.meta.url)
const add = { source: '/** @function */\nexport default function add(input: { a: number; b: number }): number { return input.a + input.b }\n' }
const page = { source: '/** @function */\nexport default { fetch: (request: Request) => new Response(new URL(request.url).pathname) }\n' }

void describe('ten tests', () => {
  for (let a = 0; a < 4; a++) {
    it(`adds ${a}`, async () => assert.equal((await runFunction(add, { a, b: 1 })).output, a + 1))
  }
  it('serves a page', async () => assert.equal(await (await fetchFunction(page, '/here')).response.text(), '/here'))
  for (const amount of [1, 2, 3]) {
    it(`charges ${amount}`, async () => {
      const fetch = { 'POST https://api.pay.example/charges': { id: `ch_${amount}` } }
      const run = await runFunction(charge, { orderId: 'o-1', amount }, { fetch, secrets: { PAY_KEY: 'key-1' } })
      assert.equal(run.output.receipt, `o-1/ch_${amount}`)
    })
  }
  for (const text of ['one', 'two']) {
    it(`notes ${text}`, async () => {
      const run = await runFunction(notes, { text }, { db: { rows: { notes: [{ author: 'nobody', text: 'zero' }] } } })
      assert.deepEqual(run.output, ['zero', text])
    })
  }
})
