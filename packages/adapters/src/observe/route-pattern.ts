/** Paths of the API by what they are, with names left out. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/^\/fn\/[^/]+/, '/fn/:name/*'],
  [/^\/functions\/v1\/[^/]+/, '/functions/v1/:name/*'],
  [/^\/api\/functions\/(deploy|analyze)$/, '/api/functions/$1'],
  [/^\/api\/functions\/[^/]+\/(versions|deployments|logs|invocations|usage|rollback|invoke)$/, '/api/functions/:name/$1'],
  [/^\/api\/functions\/[^/]+$/, '/api/functions/:name'],
  [/^\/api\/secrets\/[^/]+$/, '/api/secrets/:name'],
  [/^(\/api\/(?:functions|secrets|logs|invocations|usage)|\/openapi\.json|\/mcp|\/metrics|\/health\/live|\/health\/ready)$/, '$1'],
]

/** The route that a path belongs to; `undefined` for one that there is not: whoever sends requests must not decide how many routes there are. */
export function routePattern(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  for (const [pattern, route] of patterns) {
    const found = pattern.exec(path)
    if (found !== null) return route.replace('$1', found[1] ?? '')
  }
  return undefined
}
