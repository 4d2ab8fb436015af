import { readFileSync } from 'node:fs'
import type { Executor, Limits, Outcome } from '@cordon/contracts'
import { expect } from 'chai'
import { setOutCanaries, type Canaries } from './bare-sandbox.js'
import { invoke, versionOfCode } from './harness.ts'

/** An attack file of test/fixtures/attacks, as its manifest describes it. */
export interface Attack {
  readonly file: string
  readonly expected: 'denied' | 'clean' | 'timeout' | 'memory' | 'crash'
}

const directory = new URL('../test/fixtures/attacks/', import.meta.url)
export const attacks = JSON.parse(readFileSync(new URL('manifest.json', directory), 'utf8')) as readonly Attack[]

/** How an attack ended and what of the host it touched. */
export interface Ended {
  readonly outcome: Outcome
  readonly touched: readonly string[]
}

/** How an attack may end, by what the manifest expects: the codes of failures, and `success` for a function that gives an answer. */
const endings: Record<Attack['expected'], readonly string[]> = {
  denied: ['success', 'FUNCTION_ERROR'],
  clean: ['success', 'FUNCTION_ERROR', 'INVALID_OUTPUT', 'OUTPUT_LIMIT', 'MEMORY_LIMIT', 'TIMEOUT', 'CRASHED'],
  timeout: ['TIMEOUT'],
  memory: ['MEMORY_LIMIT'],
  crash: ['CRASHED'],
}

/** Attacks that end in another way than the manifest expects, and why that is no less. */
const differing: Record<string, { readonly endings: readonly string[]; readonly why: string }> = {
  '100-dos-wasm-memory.mjs': {
    endings: ['success', 'MEMORY_LIMIT'],
    why: 'the kernel refuses the memory before it is touched; that is a RangeError, which the function catches, so it has nothing to be killed for',
  },
  '102-dos-zlib-bomb.mjs': {
    endings: ['success', 'MEMORY_LIMIT'],
    why: 'the piece that is too much may be one that zlib asks for; it then reports that it got none, and the function catches that',
  },
  '114-dos-v8-flags.mjs': { endings: ['success'], why: 'functions are not given node:v8, so there is no flag to crash the engine with' },
}

const deadlines: Record<string, Partial<Limits>> = {
  // Each microtask leaves a promise of 110 bytes behind that waits for the next (seen on Node 20 to 26): 100 to 300 MiB in a second.
  // So with less memory or more time this loop meets the memory limit first, as it should.
  '94-dos-microtask-loop.mjs': { timeoutMs: 300, memoryMb: 1024 },
  // It never ends by itself: nothing is learned from waiting longer.
  '96-dos-early-exit-pending.mjs': { timeoutMs: 300 },
}

function limitsOf({ file, expected }: Attack): Partial<Limits> {
  const usual = { memoryMb: 128, timeoutMs: expected === 'timeout' ? 1000 : 15_000, loadTimeoutMs: 2000 }
  return { ...usual, ...deadlines[file] }
}

/** The code of attacks as one object: a name for each, and a function that makes its handler. */
export function attackSource(list: readonly Attack[]): string {
  const entries = list.map(({ file }) => {
    const text = readFileSync(new URL(file, directory), 'utf8')
    const body = text.replaceAll('export default ', '').replaceAll('import.meta', 'importMeta').replaceAll('import(', 'imports(')
    return `${JSON.stringify(file)}: async () => { ${body}\nreturn handler }`
  })
  return `const attacks = {\n${entries.join(',\n')}\n}`
}

/** Runs attacks, some at once, as functions of `source`, each lane with canaries of its own. */
export async function runAttacks(executor: Executor, list: readonly Attack[], source: (attack: Attack) => string): Promise<Map<string, Ended>> {
  const ended = new Map<string, Ended>()
  // A signal to the host does not say who sent it: the attack that sends one runs alone.
  const alone = list.filter(({ file }) => file.startsWith('36-'))
  const waiting = list.filter((attack) => !alone.includes(attack))
  async function work(lane: Attack[]): Promise<void> {
    await using canaries = await setOutCanaries()
    for (let attack = lane.shift(); attack !== undefined; attack = lane.shift()) {
      const outcome = await runAttack(executor, attack, source(attack), canaries)
      ended.set(attack.file, { outcome, touched: canaries.touched() })
    }
  }
  process.env['HOST_CANARY'] = 'CANARY in the environment'
  try {
    await work(alone)
    await Promise.all([work(waiting), work(waiting)])
  } finally {
    delete process.env['HOST_CANARY']
  }
  return ended
}

/** Imports go through `builtin`, as the analyzer's bundler writes them. */
function runAttack(executor: Executor, attack: Attack, source: string, canaries: Canaries): Promise<Outcome> {
  const prologue = `const importMeta = { url: importMetaUrl }
    const imports = async (name) => { const found = builtin(String(name).replace(/^node:/, '')); return { ...found, default: found } }`
  const version = versionOfCode(
    `${prologue}\n${source}\nconst handler = await attacks[${JSON.stringify(attack.file)}]()\nhandOver({ default: handler })`,
    limitsOf(attack),
  )
  const input = { canaryPath: canaries.path, canaryWritePath: canaries.writePath, canaryPort: canaries.port, canaryPid: process.pid }
  return invoke(executor, version, input)
}

/** Fails unless an attack ended as the manifest expects, or in the way that is noted here. */
export function expectEnding({ file, expected }: Attack, ended: Ended | undefined): void {
  expect(ended?.touched).to.deep.equal([])
  const outcome = ended?.outcome
  const ending = outcome?.kind === 'failure' ? outcome.error.code : outcome?.kind
  const output = outcome?.kind === 'success' ? (outcome.outputJson ?? 'null') : ''
  expect(differing[file]?.endings ?? endings[expected], outcome?.kind === 'failure' ? outcome.error.message : output.slice(0, 200)).to.include(ending)
  if (outcome?.kind === 'failure') expect(outcome.error.origin).to.equal('function')
  else expect((JSON.parse(output) as { escaped?: boolean } | null)?.escaped).not.to.equal(true)
}
