import { readdir, readFile } from 'node:fs/promises'
import {
  limitTable,
  PlatformError,
  resolveOptions,
  type Bundle,
  type Capabilities,
  type ExecutableVersion,
  type Executor,
  type HttpExchange,
  type HttpInvocation,
  type JsonInvocation,
  type Limits,
  type Outcome,
} from '@cordon/contracts'
import { transform } from 'esbuild'

const fixtures = new URL('../test/fixtures/functions/', import.meta.url)
let counter = 0

/** Puts a file of test/fixtures/functions into the form that sandboxes load; the real platform has the analyzer for that. */
async function bundleFixture(file: string): Promise<Bundle> {
  const source = await readFile(new URL(file, fixtures), 'utf8')
  const options = { format: 'cjs', target: 'node20', sourcemap: 'external', sourcefile: file, supported: { 'dynamic-import': false } } as const
  const { code, map } = file.endsWith('.cjs') ? { code: source, map: '' } : await transform(source, options)
  const prologue = 'const module = { exports: {} }; const { exports } = module; const require = (name) => builtin(name.replace(/^node:/, ""));'
  const handOver = file.endsWith('.cjs') ? '{ default: module.exports }' : 'module.exports'
  return {
    code: `(async function (builtin, handOver, importMetaUrl) { ${prologue}\n${code}\nhandOver(${handOver}) })`,
    sourceMap: map === '' ? '' : shiftOneLine(map),
    hash: file,
  }
}

/** The same map for code that starts one line further down. */
function shiftOneLine(map: string): string {
  return map.replace('"mappings": "', '"mappings": ";')
}

/** A version of a fixture, new for every call unless `name` is given. */
export function versionOf(file: string, limits: Partial<Limits> = {}, name = `${file.replace(/\..*/, '')}-${++counter}`): ExecutableVersion {
  return {
    tenant: 'default',
    function: name,
    version: 'v_0000000000000001',
    limits: resolveOptions(limitTable, limits),
    env: { COLOUR: 'blue' },
    loadBundle: () => bundleFixture(file),
  }
}

/** A version whose code is the body of the bundle function. */
export function versionOfCode(body: string, limits: Partial<Limits> = {}): ExecutableVersion {
  const code = `(async function (builtin, handOver, importMetaUrl) { ${body}\n})`
  return { ...versionOf('code.js', limits), loadBundle: async () => ({ code, sourceMap: '', hash: '' }) }
}

export const noCapabilities: Capabilities = {
  async call(method) {
    if (method.startsWith('db.')) return null
    throw new PlatformError('CAPABILITY_DENIED', `Cannot call ${method}: nothing is granted here`)
  },
  end: async () => undefined,
}

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  readonly capabilities?: Capabilities
}

export function jsonInvocation(input: unknown, options: CallOptions = {}): JsonInvocation {
  return {
    invocationId: 'inv_1',
    user: { id: 'ada' },
    capabilities: noCapabilities,
    inputJson: input === undefined ? undefined : JSON.stringify(input),
    request: { method: 'POST', url: '/api/functions/x/invoke', path: '/', query: { a: '1' }, headers: { 'x-a': 'b' } },
    ...options,
  }
}

/** Calls a JSON function. */
export function invoke(executor: Executor, version: ExecutableVersion, input?: unknown, options?: CallOptions): Promise<Outcome> {
  return executor.invoke(version, jsonInvocation(input, options))
}

/** Calls an HTTP function. */
export function fetchFrom(
  executor: Executor,
  version: ExecutableVersion,
  path: string,
  init: { method?: string; headers?: [string, string][]; body?: ReadableStream<Uint8Array> } = {},
  options: CallOptions = {},
): HttpExchange {
  const invocation: HttpInvocation = {
    invocationId: 'inv_1',
    user: null,
    capabilities: noCapabilities,
    request: {
      method: init.method ?? (init.body === undefined ? 'GET' : 'POST'),
      url: `http://function.test${path}`,
      headers: init.headers ?? [],
      body: init.body ?? null,
    },
    context: { method: 'GET', url: `/fn/x${path}`, path, query: {}, headers: {} },
    ...options,
  }
  return executor.fetch(version, invocation)
}

/** The output of a call that has to succeed. */
export function outputOf(outcome: Outcome): unknown {
  if (outcome.kind === 'failure') throw outcome.error
  return outcome.outputJson === undefined ? undefined : JSON.parse(outcome.outputJson)
}

/** The failure of a call that has to fail: its code and what the host says about it. */
export function failureOf(outcome: Outcome): { code: string; message: string; details: Readonly<Record<string, unknown>> } {
  if (outcome.kind === 'success') throw new Error(`expected a failure, got ${outcome.outputJson}`)
  const { code, message, details } = outcome.error
  return { code, message, details }
}

/** Whether a process exists and is not a zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    return !/^\) [ZX]/.test(stat.slice(stat.lastIndexOf(')')))
  } catch {
    return false
  }
}

/** The child processes of a process, and their command lines. */
export async function childrenOf(parent: number): Promise<{ pid: number; command: string }[]> {
  const children: { pid: number; command: string }[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    // It may be gone by now.
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '')
    if (Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]) !== parent) continue
    children.push({ pid: Number(name), command: await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '') })
  }
  return children
}
