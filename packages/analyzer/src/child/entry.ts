import { bundle } from '../bundle/bundle.ts'
import { createHostPackages } from '../bundle/host-packages.ts'
import { createResolver } from '../bundle/resolve.ts'
import { createUploadTree } from '../bundle/upload-tree.ts'
import { bundlerProcesses, isBundlerAlive } from '../bundle/bundler-memory.ts'
import { parseSources } from '../source/source-text.ts'
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
  if (!isBundlerAlive()) return { ...(await warm()), reply }
  return { reply, bundlers: bundlerProcesses() }
}

/** Does a small analysis of its own, so that parser and bundler are loaded and compiled when the first upload comes. */
export async function warm(): Promise<Answer> {
  const text = 'export default async function handler(input: { name: string }) { return { greeting: `Hello ${input.name}` } }'
  const upload = createUploadTree(new Map([['index.ts', new TextEncoder().encode(text)]]))
  const resolver = createResolver(upload, createHostPackages({ from: '/', allow: [] }))
  parseSources(new Map([['index.ts', text]]))
  await bundle({ upload, entry: 'index.ts', resolver })
  return { reply: null, bundlers: bundlerProcesses() }
}
