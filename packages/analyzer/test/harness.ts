import { getBuiltinModule } from 'node:process'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import type { Analysis, AnalyzeOptions, Bundle, Upload, Validators } from '@cordon/contracts'

/** The package's own folder: its development dependencies are what an upload may be allowed to use. */
export const packageFolder = fileURLToPath(new URL('..', import.meta.url))

/** Fixtures are read from where they are written; they are not compiled. */
export const fixtureFolder = fileURLToPath(new URL('../test/fixtures/', import.meta.url))

export function files(texts: Readonly<Record<string, string>>): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, new TextEncoder().encode(text)]))
}

export function upload(source: string | Readonly<Record<string, string>>): Upload {
  return { files: files(typeof source === 'string' ? { 'index.ts': source } : source) }
}

export function options(
  change: { allow?: string[]; from?: string; enforce?: boolean; rules?: AnalyzeOptions['analyzer']['rules']; ruleModules?: string[] } = {},
): AnalyzeOptions {
  return {
    packages: { from: change.from ?? packageFolder, allow: change.allow ?? [] },
    analyzer: { enforce: change.enforce ?? true, rules: change.rules ?? {}, ruleModules: change.ruleModules ?? [] },
  }
}

export function bundleOf(analysis: Analysis): Bundle {
  if (analysis.bundle === undefined) throw new Error(`there is no bundle: ${JSON.stringify(analysis.diagnostics, null, 2)}`)
  return analysis.bundle
}

/** Runs a bundle as a sandbox does and gives the namespace of the entry file. */
export async function load(analysis: Analysis, filename = 'bundle.js'): Promise<Record<string, unknown>> {
  return (await run(analysis, filename)).namespace
}

/** Runs a bundle and gives the validators that it hands over. */
export async function validatorsOf(analysis: Analysis): Promise<Validators> {
  return (await run(analysis, 'bundle.js')).validators
}

async function run(analysis: Analysis, filename: string): Promise<{ namespace: Record<string, unknown>; validators: Validators }> {
  let validators: Validators = {}
  const start: unknown = new Script(bundleOf(analysis).code, { filename }).runInThisContext()
  if (typeof start !== 'function') throw new Error('the completion value is no function')
  let namespace: unknown
  const setValidators = (given: Validators) => void (validators = given)
  await start(getBuiltinModule, (value: unknown) => void (namespace = value), 'file:///upload/index.js', setValidators)
  if (typeof namespace !== 'object' || namespace === null) throw new Error('nothing was handed over')
  return { namespace: Object.fromEntries(Object.entries(namespace)), validators }
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
