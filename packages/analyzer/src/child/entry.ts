import { setImmediate } from 'node:timers/promises'
import { bundlerProcesses, startBundler } from '../bundle/bundler-memory.ts'
import { getLibrary } from '../schema/library.ts'
import { analyze as analyzeUpload } from './analyze.ts'
import type { AnalysisReply, AnalysisRequest } from './messages.ts'

/** What every call gives back: the answer, and the processes that have to end with this one. */
export interface Answer {
  readonly reply: AnalysisReply | null
  readonly bundlers: readonly number[]
}

/** Analyses one upload. */
export async function analyze(request: AnalysisRequest): Promise<Answer> {
  const reply = await analyzeUpload(request)
  // Started again here and now, so that the host knows the process before the next upload meets it.
  await startBundler()
  return { reply, bundlers: bundlerProcesses() }
}

let preparing: Promise<void> | undefined
let warming: Promise<unknown> | undefined
let isUsed = false

/** Gets what no analysis can do without, and says that this process is there. */
export async function load(): Promise<Answer> {
  isUsed = true
  await prepare()
  await warming
  return { reply: null, bundlers: bundlerProcesses() }
}

/**
 * Does what `load` does, and then a small analysis, so that parser, rules and bundler are compiled when the first upload comes. When an upload waits
 * already, it is the first analysis.
 */
export async function warm(): Promise<Answer> {
  await prepare()
  // What the host asked for in the meantime is read first.
  await setImmediate()
  if (!isUsed) await (warming ??= analyzeSample())
  return { reply: null, bundlers: bundlerProcesses() }
}

function prepare(): Promise<void> {
  preparing ??= startParts().finally(() => (preparing = undefined))
  return preparing
}

async function startParts(): Promise<void> {
  const starting = startBundler()
  // It starts on its own core while this process reads the library, which takes one long turn.
  await setImmediate()
  getLibrary()
  await starting
}

const sample = `import { join } from 'node:path'
export const config = { timeoutMs: 1000 }
/** @function */
export default async function handler(input: { name: string; at?: Date; kind: 'a' | 'b' | null }, ctx: Context) {
  for (const part of [input.name]) if (part === 'a' + 'b') await ctx.db.query(part)
  return { greeting: \`Hello \${join(input.name, process.env.NAME ?? '')}\` }
}`

function analyzeSample(): Promise<unknown> {
  const options = { packages: { from: '/', allow: [] }, analyzer: { enforce: true, rules: {}, ruleModules: [] } }
  return analyzeUpload({ files: { 'index.ts': new TextEncoder().encode(sample) }, entry: undefined, config: {}, options })
}
