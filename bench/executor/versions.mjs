/** Versions and invocations for an executor that is measured alone, without analyzer, store and records. */
import { limitTable, resolveOptions } from '@cordon/contracts'

const capabilities = { call: async () => null, end: async () => undefined }
const request = { method: 'POST', url: '/', path: '/', query: {}, headers: {} }

/** A version whose default export is the expression `handler`. */
export function versionOf(name, handler, limits = {}) {
  const code = `(async function (builtin, handOver, importMetaUrl) { handOver({ default: ${handler} })\n})`
  return {
    tenant: 'default',
    function: name,
    version: 'v_0000000000000001',
    limits: resolveOptions(limitTable, limits),
    env: {},
    loadBundle: async () => ({ code, sourceMap: '', hash: name }),
  }
}

/** The trivial function: as much work as the raw echo does, and no more. */
export function trivialVersion(limits) {
  return versionOf('trivial', 'async (input) => ({ n: input.n })', limits)
}

/** Calls a JSON function with the same JSON work as the raw echo: text on the way in, text parsed on the way out. */
export async function invokeJson(executor, version, input) {
  const outcome = await executor.invoke(version, { invocationId: 'inv_1', user: null, capabilities, request, inputJson: JSON.stringify(input) })
  if (outcome.kind === 'failure') throw outcome.error
  return JSON.parse(outcome.outputJson)
}

/** The invocation of an HTTP function. */
export function httpInvocation(body = null) {
  return {
    invocationId: 'inv_1',
    user: null,
    capabilities,
    context: request,
    request: { method: body === null ? 'GET' : 'POST', url: 'http://function.test/', headers: [], body },
  }
}
