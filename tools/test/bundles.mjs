import { existsSync } from 'node:fs'

/** What is bundled belongs to the build, and `tsc -b` alone, after which tests may run, does not make it. Nothing happens when it is up to date. */
export async function mochaGlobalSetup() {
  if (existsSync(new URL('../../packages/executor/dist/runtime/main.js', import.meta.url))) await import('../build/bundle-runtime.mjs')
  if (existsSync(new URL('../../packages/analyzer/dist/child/entry.js', import.meta.url))) await import('../build/bundle-analyzer.mjs')
}
