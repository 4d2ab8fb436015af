import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runFunction } from '@cordon/testing'

const hello = new URL('./hello.ts', import.meta.url)

test('greets by name', async () => {
  const { output, logs } = await runFunction(hello, { name: 'Ada' })
  assert.deepEqual(output, { greeting: 'Hello Ada' })
  assert.equal(logs[0]?.message, 'greeting')
})

test('refuses an input that its type does not allow', async () => {
  await assert.rejects(runFunction(hello, { nmae: 'Ada' }), { code: 'INVALID_INPUT' })
})
