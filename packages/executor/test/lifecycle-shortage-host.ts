// A host that gets short of descriptors or processes. Prints how calls ended before, during and after the shortage.
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createExecutor, createReaper } from '@cordon/executor'
import type { Outcome } from '@cordon/contracts'
import { invoke, versionOfCode } from './harness.ts'

const [shortage, hardening] = process.argv.slice(2)
/** The test sets the limit of processes from outside. */
async function ask(limit: 'shortage' | 'plenty'): Promise<void> {
  process.send?.(limit)
  await once(process, 'message')
}

/** Descriptors that are left: none, and as many as make a start fail, or go on half-blind, at each of its steps. */
const left = [0, 1, 2, 3, 4, 5, 6, 7, 8]
const endOf = (outcome: Outcome) => (outcome.kind === 'success' ? 'success' : `${outcome.error.code}: ${outcome.error.message}`)
const ends: { warm: string[]; cold: string[]; after: string } = { warm: [], cold: [], after: '' }

const reaper = createReaper()
const executor = await createExecutor({ hardening: hardening === 'basic' ? 'basic' : 'best-effort', spares: 1, reaper })
const fresh = () => versionOfCode('handOver({ default: () => 1 })')
const warm = fresh()
const call = async (version = fresh()) => endOf(await invoke(executor, version))
await call(warm)

async function callDuringShortage(): Promise<void> {
  ends.warm.push(await call(warm))
  // The first may still find the spare.
  ends.cold.push(await call(), await call())
}

if (shortage === 'descriptors') {
  const taken: number[] = []
  const take = () => {
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'))
    } catch {
      return taken
    }
  }
  for (const count of left) {
    for (const descriptor of take().splice(-count, count)) closeSync(descriptor)
    await callDuringShortage()
  }
  for (const descriptor of taken) closeSync(descriptor)
} else {
  await ask('shortage')
  await callDuringShortage()
  await ask('plenty')
}
ends.after = await call()
process.stdout.write(`${JSON.stringify(ends)}\n`)
await executor.close()
await reaper.close()
process.disconnect?.()
