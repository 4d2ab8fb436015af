import { readFileSync } from 'node:fs'
import type { Executor, Outcome } from '@cordon/contracts'
import { expect } from 'chai'
import type { Hardening } from '../dist/hardening/hardening.js'
import { runBare, setOutCanaries, type Canaries } from './bare-sandbox.js'
import { invoke, versionOfCode } from './harness.ts'

/** A way out of a sandbox that somebody published, written as a function of a file in test/fixtures/escapes. */
export interface Escape {
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
/** What all of them said, by name, and how their calls ended. */
interface Findings {
  readonly evidence: readonly (readonly [name: string, evidence: string])[]
  readonly reached: readonly (readonly [name: string, reached: string])[]
  readonly outcomes: ReadonlyMap<string, Outcome>
}

const directory = new URL('../test/fixtures/escapes/', import.meta.url)
export const escapes = JSON.parse(readFileSync(new URL('manifest.json', directory), 'utf8')) as readonly Escape[]
/** How many run at once. */
const width = 3
/** Longest an escape takes: those that hang are stopped then. On an idle machine the others need 50 ms. */
const deadlineMs = 2000

/** Texts of the files by name, as classic scripts. */
export function readEscapes(): ReadonlyMap<string, string> {
  const files = [...new Set(escapes.map(({ file }) => file)), 'plunder.mjs']
  return new Map(files.map((file) => [file, readFileSync(new URL(file, directory), 'utf8').replaceAll(/^export /gm, '')]))
}

/** Code with a function `run(name, surroundings)` for the escapes of a file. */
function codeOf({ file }: Escape, sources: ReadonlyMap<string, string>): string {
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

/** Runs escapes as functions. */
export function inFunctions(executor: Executor, list: readonly Escape[], sources: ReadonlyMap<string, string>): Promise<Findings> {
  return runAll(list, async (escape, canaries, outcomes) => {
    const body = `${codeOf(escape, sources)}
      const require = (name) => builtin(name)
      handOver({ default: ({ name, canary }, ctx) => run(name, { canary, ctx, require, process }) })`
    const outcome = await invoke(executor, versionOfCode(body, { timeoutMs: deadlineMs }), { name: escape.name, canary: inputOf(canaries) })
    outcomes.set(escape.name, outcome)
    return outcome.kind === 'success' ? (JSON.parse(outcome.outputJson ?? 'null') as Answer | null) : null
  })
}

/** Runs escapes where there is no runtime: with the real `process` and `require` of Node. */
export function inBareSandboxes(hardening: Pick<Hardening, 'command'>, list: readonly Escape[], stopMs = deadlineMs): Promise<Findings> {
  const sources = readEscapes()
  return runAll(list, async (escape, canaries) => {
    const surroundings = `{ canary: ${JSON.stringify(inputOf(canaries))}, ctx: undefined, require, process }`
    const script = `${codeOf(escape, sources)}\nrun(${JSON.stringify(escape.name)}, ${surroundings}).then(done, done)`
    const { value } = await runBare(hardening, script, { deadlineMs: stopMs })
    return (value ?? null) as Answer | null
  })
}

/** Fails when an escape reached something of the host, or something of its own process that it is not given. */
export function expectNothing({ evidence, reached, outcomes }: Findings): void {
  expect(evidence).to.deep.equal([])
  expect(reached).to.deep.equal([])
  for (const [name, outcome] of outcomes)
    if (outcome.kind === 'failure')
      expect(outcome.error.code, `${name}: ${outcome.error.message}`).to.be.oneOf(['TIMEOUT', 'FUNCTION_ERROR', 'CRASHED', 'LOAD_FAILED'])
}

/** Runs escapes, some at once, each lane with canaries of its own. */
async function runAll(
  list: readonly Escape[],
  run: (escape: Escape, canaries: Canaries, outcomes: Map<string, Outcome>) => Promise<Answer | null>,
): Promise<Findings> {
  const waiting = [...list]
  const evidence: [string, string][] = []
  const reached: [string, string][] = []
  const outcomes = new Map<string, Outcome>()
  async function work(): Promise<void> {
    await using canaries = await setOutCanaries()
    for (let escape = waiting.shift(); escape !== undefined; escape = waiting.shift()) {
      const answer = await run(escape, canaries, outcomes)
      if (answer?.evidence !== undefined) evidence.push([escape.name, answer.evidence])
      for (const one of answer?.reached ?? []) reached.push([escape.name, one])
      for (const one of canaries.touched()) evidence.push([escape.name, one])
    }
  }
  process.env['HOST_CANARY'] = 'CANARY in the environment'
  try {
    await Promise.all(Array.from({ length: width }, work))
  } finally {
    delete process.env['HOST_CANARY']
  }
  return { evidence, reached, outcomes }
}
