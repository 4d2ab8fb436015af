import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fetchFunction } from '@cordon/testing'

const site = new URL('./site.ts', import.meta.url)

test('greets by path', async () => {
  const { response } = await fetchFunction(site, '/hello/Ada')
  assert.deepEqual(await response.json(), { greeting: 'Hello Ada' })
})

test('takes a body', async () => {
  const { response } = await fetchFunction(site, new Request('http://localhost/upper', { method: 'POST', body: 'loud' }))
  assert.equal(await response.text(), 'LOUD')
})

test('says what is not there', async () => {
  const { response } = await fetchFunction(site, '/nowhere')
  assert.equal(response.status, 404)
})
