import { getBuiltinModule } from 'node:process'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import type { Analysis, AnalyzeOptions, Bundle, Upload } from '@cordon/contracts'

/** The package's own folder: its development dependencies are what an upload may be allowed to use. */
const packageFolder = fileURLToPath(new URL('..', import.meta.url))

/** Fixtures are read from where they are written; they are not compiled. */
export const fixtureFolder = fileURLToPath(new URL('../test/fixtures/', import.meta.url))

export function files(texts: Readonly<Record<string, string>>): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, new TextEncoder().encode(text)]))
}

export function upload(source: string | Readonly<Record<string, string>>): Upload {
  return { files: files(typeof source === 'string' ? { 'index.ts': source } : source) }
}

export function options(
  change: { allow?: string[]; from?: string; enforce?: boolean; rules?: AnalyzeOptions['analyzer']['rules'] } = {},
): AnalyzeOptions {
  return {
    packages: { from: change.from ?? packageFolder, allow: change.allow ?? [] },
    analyzer: { enforce: change.enforce ?? true, rules: change.rules ?? {} },
  }
}

export function bundleOf(analysis: Analysis): Bundle {
  if (analysis.bundle === undefined) throw new Error(`there is no bundle: ${JSON.stringify(analysis.diagnostics, null, 2)}`)
  return analysis.bundle
}

/** Runs a bundle as a sandbox does and gives the namespace of the entry file. */
export async function load(analysis: Analysis, filename = 'bundle.js'): Promise<Record<string, unknown>> {
  const run: unknown = new Script(bundleOf(analysis).code, { filename }).runInThisContext()
  if (typeof run !== 'function') throw new Error('the completion value is no function')
  let namespace: unknown
  await run(getBuiltinModule, (value: unknown) => void (namespace = value), 'file:///upload/index.js')
  if (typeof namespace !== 'object' || namespace === null) throw new Error('nothing was handed over')
  return Object.fromEntries(Object.entries(namespace))
}

/** Loads a bundle and calls its default export, or the `fetch` method of it. */
export async function call(analysis: Analysis, ...values: unknown[]): Promise<unknown> {
  const handler = (await load(analysis))['default']
  if (typeof handler === 'function') return handler(...values)
  if (typeof handler === 'object' && handler !== null && 'fetch' in handler && typeof handler.fetch === 'function') return handler.fetch(...values)
  throw new Error('the default export cannot be called')
}

export function rulesOf(analysis: Analysis, severity?: 'error' | 'warn'): string[] {
  return analysis.diagnostics.filter((one) => severity === undefined || one.severity === severity).map((one) => one.rule)
}
