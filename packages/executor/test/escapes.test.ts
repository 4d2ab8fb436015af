import { readFileSync } from 'node:fs'
import type { Executor, Outcome } from '@cordon/contracts'
import { createExecutor } from '@cordon/executor'
import { expect } from 'chai'
import { probeLauncher } from '../dist/hardening/launcher.js'
import { runBare, setOutCanaries, type Canaries } from './bare-sandbox.js'
import { invoke, versionOfCode } from './harness.ts'

interface Escape {
  readonly name: string
  readonly file: string
  /** The advisory, or the public test suite, that the idea comes from. */
  readonly source: string
}
/** What an escape says about itself: evidence when it reached the host, and how far it came in its own process. */
interface Answer {
  readonly evidence?: string
  readonly reached: readonly string[]
}

const directory = new URL('../test/fixtures/escapes/', import.meta.url)
const escapes = JSON.parse(readFileSync(new URL('manifest.json', directory), 'utf8')) as Escape[]
const sources = new Map([...new Set(escapes.map(({ file }) => file)), 'plunder.mjs'].map((file) => [file, read(file)]))
/** How many run at once. */
const width = 3
/** Longest an escape takes: those that hang are stopped then. */
const deadlineMs = 1000

function read(file: string): string {
  return readFileSync(new URL(file, directory), 'utf8').replaceAll(/^export /gm, '')
}

/** Code with a function `run(name, surroundings)` for the escapes of a file. */
function codeOf({ file }: Escape): string {
  return `${sources.get('plunder.mjs')}\n${sources.get(file)}
  async function run(name, { canary, ...surroundings }) {
    const reached = new Set()
    const take = (found) => plunder(found, canary, reached)
    const told = await (async () => escapes[name]({ ...surroundings, canary, take }))().catch(() => undefined)
    // Whoever calls a stolen \`resolve\` with the name of a module ends this promise with it.
    const isEvidence = typeof told === 'string' && !tried.includes(told)
    return { ...(isEvidence ? { evidence: told } : {}), reached: [...reached] }
  }`
}

function inputOf(canaries: Canaries): object {
  return { canaryPath: canaries.path, canaryWritePath: canaries.writePath, canaryPort: canaries.port, canaryPid: process.pid }
}

describe('public escapes', function () {
  this.timeout(120_000)
  before(function () {
    if (process.platform !== 'linux') return this.skip()
    process.env['HOST_CANARY'] = 'CANARY in the environment'
  })
  after(() => void delete process.env['HOST_CANARY'])

  it('are all in the manifest, once', () => {
    expect(new Set(escapes.map(({ name }) => name)).size).to.equal(escapes.length)
    for (const [file, text] of sources) {
      if (file === 'plunder.mjs') continue
      const names = Array.from(text.matchAll(/^ {2}'?([a-z0-9-]+)'?: (?:async )?\(/gm), ([, name]) => name)
      expect(escapes.filter((escape) => escape.file === file).map(({ name }) => name)).to.have.members(names)
    }
  })

  it('get nowhere from a function, nor to what stands behind its globals', async () => {
    const executor: Executor = await createExecutor({ spares: width })
    expect(executor.stats().sandbox.level).to.equal('launcher')
    const outcomes = new Map<string, Outcome>()
    const escaped = await runAll(escapes, async (escape, canaries) => {
      const body = `${codeOf(escape)}
        const require = (name) => builtin(name)
        handOver({ default: ({ name, canary }, ctx) => run(name, { canary, ctx, require, process }) })`
      const version = versionOfCode(body, { timeoutMs: deadlineMs })
      const outcome = await invoke(executor, version, { name: escape.name, canary: inputOf(canaries) })
      outcomes.set(escape.name, outcome)
      return outcome.kind === 'success' ? (JSON.parse(outcome.outputJson ?? 'null') as Answer | null) : null
    })
    await executor.destroy()
    expect(escaped.evidence).to.deep.equal([])
    expect(escaped.reached).to.deep.equal([])
    for (const [name, outcome] of outcomes)
      if (outcome.kind === 'failure')
        expect(outcome.error.code, `${name}: ${outcome.error.message}`).to.be.oneOf(['TIMEOUT', 'FUNCTION_ERROR', 'CRASHED'])
  })

  it('get nowhere behind the launcher when the runtime is not there to hide anything', async () => {
    const probe = await probeLauncher()
    if (probe.kind === 'unavailable') throw new Error(JSON.stringify(probe.missing))
    const { hardening } = probe
    // Those of the language gain nothing there.
    const { evidence } = await runAll(
      escapes.filter(({ file }) => file !== 'language.mjs'),
      async (escape, canaries) => {
        const surroundings = `{ canary: ${JSON.stringify(inputOf(canaries))}, ctx: undefined, require, process }`
        const { value } = await runBare(hardening, `${codeOf(escape)}\nrun(${JSON.stringify(escape.name)}, ${surroundings}).then(done, done)`, {
          deadlineMs,
        })
        return (value ?? null) as Answer | null
      },
    )
    expect(evidence).to.deep.equal([])
  })
})

/** Runs escapes, some at once, each lane with canaries of its own. */
async function runAll(
  list: readonly Escape[],
  run: (escape: Escape, canaries: Canaries) => Promise<Answer | null>,
): Promise<{ evidence: [name: string, evidence: string][]; reached: [name: string, reached: string][] }> {
  const waiting = [...list]
  const evidence: [string, string][] = []
  const reached: [string, string][] = []
  async function work(): Promise<void> {
    await using canaries = await setOutCanaries()
    for (let escape = waiting.shift(); escape !== undefined; escape = waiting.shift()) {
      const answer = await run(escape, canaries)
      if (answer?.evidence !== undefined) evidence.push([escape.name, answer.evidence])
      for (const one of answer?.reached ?? []) reached.push([escape.name, one])
      for (const one of canaries.touched()) evidence.push([escape.name, one])
    }
  }
  await Promise.all(Array.from({ length: width }, work))
  return { evidence, reached }
}
