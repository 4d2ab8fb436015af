import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { runFunction } from '@cordon/testing'

const guestbook = fileURLToPath(new URL('.', import.meta.url))

test('writes an entry and gives it back', async () => {
  const { output, db } = await runFunction(guestbook, { name: 'Ada', message: 'Hello' })
  assert.deepEqual(output, { entries: [{ name: 'Ada', message: 'Hello' }] })
  assert.equal((await db.query('SELECT count(*)::int AS count FROM entries')).rows[0]?.['count'], 1)
})

test('gives the newest entry first', async () => {
  const rows = { entries: ['one', 'two'].map((message) => ({ name: 'Bob', message })) }
  const { output } = await runFunction(guestbook, {}, { db: { rows } })
  assert.deepEqual(output, { entries: rows.entries.toReversed() })
})

test('refuses what the table does not take', async () => {
  await assert.rejects(runFunction(guestbook, { message: 'x'.repeat(501) }), { code: 'QUERY_FAILED' })
})
