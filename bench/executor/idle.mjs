/** Memory that an idle warm sandbox holds for itself, beside a bare Node process. */
import { createExecutor } from '@cordon/executor'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { median, report } from '../measure.mjs'
import { createRawEcho } from '../raw-echo.mjs'
import { invokeJson, versionOf } from './versions.mjs'

const processes = 10
const manyCalls = 1000
/** Long enough for spares to do what they put off until nobody needs them. */
const settleMs = 500

const bare = await bareProcesses()
report('private memory of a bare Node process', bare, 'MiB')
report(`private memory of the raw echo after ${manyCalls} calls`, await rawEcho(), 'MiB')
for (const spares of [0, processes]) {
  const started = spares === 0 ? 'started for its first call' : 'taken from the spares'
  const { afterOne, afterMany } = await sandboxes(spares)
  report(`sandbox ${started}, idle`, afterOne, 'MiB')
  report(`sandbox ${started}, idle / bare`, afterOne / bare, 'x', 1.2)
  report(`sandbox ${started}, after ${manyCalls} calls`, afterMany, 'MiB')
  report(`sandbox ${started}, after ${manyCalls} calls / bare`, afterMany / bare, 'x', 1.2)
}

/** Medians over sandboxes that were called once, and then often. */
async function sandboxes(spares) {
  const loaded = new Set()
  const executor = await createExecutor({ spares, onSandbox: ({ pid, state }) => state === 'idle' && loaded.add(pid) })
  try {
    await delay(settleMs)
    const versions = Array.from({ length: processes }, (_, index) => versionOf(`idle-${index}`, 'async (input) => ({ n: input.n })'))
    for (const version of versions) await invokeJson(executor, version, { n: 1 })
    await delay(settleMs)
    const afterOne = median([...loaded].map(privateMb))
    for (const version of versions) for (let index = 1; index < manyCalls; index++) await invokeJson(executor, version, { n: 1 })
    await delay(settleMs)
    return { afterOne, afterMany: median([...loaded].map(privateMb)) }
  } finally {
    await executor.destroy()
  }
}

/** The median: two processes of one program differ by a few hundred KB. */
async function bareProcesses() {
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log("up")'], { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  await Promise.all(children.map((child) => once(child.stdout, 'data')))
  const memory = children.map(({ pid }) => privateMb(pid))
  for (const child of children) child.kill('SIGKILL')
  return median(memory)
}

/** Calls leave garbage and machine code behind in any process. */
async function rawEcho() {
  const echo = await createRawEcho()
  try {
    for (let index = 0; index < manyCalls; index++) await echo.call({ n: 1 })
    return privateMb(echo.pid)
  } finally {
    echo.close()
  }
}

/** Memory that no other process shares, in MiB (`Private_*` of proc_pid_smaps_rollup). */
function privateMb(pid) {
  let kb = 0
  for (const [, value] of readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_\w+:\s+(\d+) kB$/gm)) kb += Number(value)
  return kb / 1024
}
