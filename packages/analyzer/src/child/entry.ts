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

let warming: Promise<unknown> | undefined

/**
 * Gets what no analysis can do without, and says that this process is there. The first time it does a small analysis, so that parser, rules and bundler
 * are loaded and compiled when the first upload comes, whose time is limited.
 */
export async function load(): Promise<Answer> {
  const starting = startBundler()
  // Meanwhile, in this process.
  getLibrary()
  await starting
  await (warming ??= analyzeSample())
  return { reply: null, bundlers: bundlerProcesses() }
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
