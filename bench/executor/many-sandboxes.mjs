/** Many sandboxes at once: 200 functions called for the first time at the same moment, and eviction down to the configured total. */
import { createExecutor } from '@cordon/executor'
import { report } from '../measure.mjs'
import { invokeJson, versionOf } from './versions.mjs'

const manySandboxes = 200
const maxSandboxes = 20
const handler = 'async (input) => ({ n: input.n })'

await warmSandboxes()
await eviction()

async function warmSandboxes() {
  const executor = await createExecutor({ spares: 0, maxSandboxes: manySandboxes })
  const versions = Array.from({ length: manySandboxes }, (_, index) =>
    versionOf(`warm-${index}`, handler, { queueMs: 60_000, loadTimeoutMs: 60_000 }),
  )
  async function callAll(name) {
    const from = performance.now()
    const results = await Promise.allSettled(versions.map((version, n) => invokeJson(executor, version, { n })))
    const failed = results.filter(({ value }, n) => value?.n !== n)
    report(`${name}: duration`, (performance.now() - from) / 1000, 's')
    report(`${name}: sandboxes warm after it`, executor.stats().sandboxes.idle, '', { atLeast: manySandboxes })
    report(`${name}: calls that failed`, failed.length, '', 0)
    if (failed.length > 0) console.log(`  ${failed[0].reason?.message ?? 'a wrong answer'}`)
  }
  try {
    await callAll(`${manySandboxes} first calls at once`)
    await callAll(`${manySandboxes} second calls at once`)
  } finally {
    await executor.destroy()
  }
}

/** Three times as many functions as there may be sandboxes, called over and over: never more processes than configured, and no failure. */
async function eviction() {
  let living = 0
  let most = 0
  const executor = await createExecutor({
    maxSandboxes,
    onSandbox({ state }) {
      if (state === 'booting') most = Math.max(most, ++living)
      if (state === 'dead') living--
    },
  })
  const versions = Array.from({ length: 3 * maxSandboxes }, (_, index) => versionOf(`evicted-${index}`, handler, { queueMs: 60_000 }))
  try {
    let failed = 0
    for (let from = 0; from < 2 * versions.length; from += 10) {
      const batch = Array.from({ length: 10 }, (_, index) => versions[(from + index) % versions.length])
      const results = await Promise.allSettled(batch.map((version) => invokeJson(executor, version, { n: 1 })))
      failed += results.filter(({ value }) => value?.n !== 1).length
    }
    report(`calls of ${versions.length} functions in ${maxSandboxes} sandboxes that failed`, failed, '', 0)
    report('sandboxes after them', executor.stats().sandboxes.total, '', maxSandboxes)
    report('processes at once, those being killed included', most, '')
  } finally {
    await executor.destroy()
  }
}
