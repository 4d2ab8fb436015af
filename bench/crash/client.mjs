/** No call of a run takes that long: who has no answer then gets none. In milliseconds. */
const answerMs = 60_000

/**
 * Asks the host. Gives `kind` 'done' with the body, 'failed' with the code and message of the failure, 'unsent' when nobody listened, and 'lost'
 * when the connection broke or `answerMs` passed (`isLate`).
 */
export async function ask(port, path, { tenant = 'default', method = 'POST', body } = {}) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { 'x-tenant': tenant, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(answerMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const value = text === '' ? undefined : JSON.parse(text)
    if (response.ok) return { kind: 'done', value }
    return { kind: 'failed', code: value?.code, message: value?.detail ?? '', diagnostics: value?.diagnostics }
  } catch (error) {
    if (error.name === 'TimeoutError') return { kind: 'lost', isLate: true }
    return { kind: error.cause?.code === 'ECONNREFUSED' ? 'unsent' : 'lost' }
  }
}

/** Calls a function. */
export function call(port, name, { tenant, input } = {}) {
  return ask(port, `/api/functions/${name}/invoke`, { tenant, body: { body: input ?? {} } })
}

/** Deploys files. */
export function deploy(port, name, { tenant, files }) {
  return ask(port, '/api/functions/deploy', { tenant, body: { name, files } })
}
