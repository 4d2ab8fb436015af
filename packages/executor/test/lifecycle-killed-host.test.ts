import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createExecutor } from '@cordon/executor'
import { childrenOf, isAlive } from './harness.ts'

const program = fileURLToPath(new URL('killed-host.js', import.meta.url))
/** What is left after this time, in milliseconds, is left for good: without anything else to do it takes less than one second, see docs/lifecycle.md. */
const graceMs = 10_000

interface Host {
  readonly child: ChildProcess
  readonly sandboxes: number[]
}

/** Hosts of a test, which may not come to what kills them. */
const hosts: ChildProcess[] = []

/** Starts a host and waits until it has come to a stage. */
async function startHost(level: string, stage: string, guard: string): Promise<Host> {
  const child = spawn(process.execPath, [program, level, stage, guard], { stdio: ['ignore', 'pipe', 'inherit'] })
  hosts.push(child)
  const sandboxes: number[] = []
  if (child.stdout === null) throw new Error('the host has no output')
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'reached') break
    sandboxes.push(Number(line))
  }
  return { child, sandboxes }
}

/** Kills a host and gives what is left after the grace: of its sandboxes, and of its reaper, which has to end by itself. */
async function killHost({ child, sandboxes }: Host): Promise<number[]> {
  const reaper = await findReaper(child.pid ?? 0)
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  const deadline = Date.now() + graceMs
  let living = reaper === undefined ? sandboxes : [...sandboxes, reaper]
  while (living.length > 0 && Date.now() < deadline) {
    const states = await Promise.all(living.map(isAlive))
    living = living.filter((_pid, index) => states[index])
  }
  return living
}

/** The reaper of a host: its child with that program. */
async function findReaper(host: number): Promise<number | undefined> {
  return (await childrenOf(host)).find(({ command }) => command.includes('reaper-process'))?.pid
}

/** Whether a reaper is up: it ignores a hangup then, and the host has told it what to watch long before. */
async function isListening(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return (BigInt(`0x${caught}`) & 1n) === 1n
}

describe('a host that is killed', function () {
  this.timeout(40_000)
  before(async function () {
    if (process.platform !== 'linux') return this.skip()
  })
  afterEach(() => {
    for (const child of hosts.splice(0)) child.kill('SIGKILL')
  })

  for (const level of ['best-effort', 'basic'] as const) {
    for (const stage of ['booting', 'spare', 'loading', 'looping', 'compiling', 'streaming']) {
      it(`leaves no process, with sandboxes ${stage} (${level})`, async () => {
        const host = await startHost(level, stage, 'guarded')
        expect(host.sandboxes.length).to.be.greaterThan(2)
        expect(await killHost(host)).to.deep.equal([])
      })
    }

    for (const stage of ['booting', 'idle', 'looping']) {
      it(`leaves no process when its reaper was killed before it, with sandboxes ${stage} (${level})`, async () => {
        const host = await startHost(level, stage, 'guarded')
        const first = await findReaper(host.child.pid ?? 0)
        process.kill(first ?? 0, 'SIGKILL')
        let second = first
        while (second === undefined || second === first || !(await isListening(second))) second = await findReaper(host.child.pid ?? 0)
        expect(await killHost(host)).to.deep.equal([])
      })
    }

    it(`leaves no process when its reaper is killed with it, with sandboxes looping (${level})`, async function () {
      const executor = await createExecutor({ spares: 0, hardening: level })
      const { enforced } = executor.stats().sandbox
      await executor.close()
      if (!enforced.some((what) => what === 'dies-with-host' || what.includes('setpriv'))) return this.skip()
      const host = await startHost(level, 'looping', 'guarded')
      process.kill((await findReaper(host.child.pid ?? 0)) ?? 0, 'SIGKILL')
      expect(await killHost(host)).to.deep.equal([])
    })
  }

  for (const stage of ['booting', 'loading', 'looping', 'compiling', 'streaming']) {
    it(`leaves no process with the launcher alone, without a reaper (${stage})`, async function () {
      const executor = await createExecutor({ spares: 0 })
      const { level } = executor.stats().sandbox
      await executor.close()
      if (level !== 'launcher') return this.skip()
      expect(await killHost(await startHost('best-effort', stage, 'alone'))).to.deep.equal([])
    })
  }
})
