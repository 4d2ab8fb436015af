import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles } from './sources.mjs'
import { unreachableCodes } from './error-data.mjs'

/**
 * `docs/errors.md` has one row per code of the error table, with the table's own title, origin and retryable flag, and with the HTTP
 * status that the adapters answer with.
 *
 * @param {string} folder the repository
 * @param {Record<string, { origin: string, retryable: boolean, title: string }>} errorTable
 * @returns {string[]}
 */
export function checkErrorDocs(folder, errorTable) {
  const rows = readRows(readFileSync(join(folder, 'docs', 'errors.md'), 'utf8'))
  const statuses = readStatuses(folder)
  const problems = []
  for (const [code, { origin, retryable, title }] of Object.entries(errorTable)) {
    const row = rows.get(code)
    if (row === undefined) problems.push(`docs/errors.md has no row for ${code}.`)
    else if (row.meaning !== title) problems.push(`docs/errors.md says of ${code} "${row.meaning}", the error table "${title}".`)
    else if (row.origin !== origin) problems.push(`docs/errors.md gives ${code} the origin ${row.origin}, the error table ${origin}.`)
    else if (row.retryable !== (retryable ? 'yes' : 'no'))
      problems.push(`docs/errors.md says that ${code} is retryable: ${row.retryable}; the error table says ${retryable}.`)
    else if (!/^\d{3}$/.test(row.status)) problems.push(`docs/errors.md gives ${code} no HTTP status.`)
    else if ((statuses.get(code) ?? row.status) !== row.status)
      problems.push(`docs/errors.md gives ${code} the status ${row.status}, the adapters ${statuses.get(code)}.`)
    else if (row.remedy === '') problems.push(`docs/errors.md does not say what to do about ${code}.`)
  }
  for (const code of rows.keys())
    if (errorTable[code] === undefined) problems.push(`docs/errors.md has a row for ${code}, which is not in the error table.`)
  return problems
}

/** Code -> status of the one table that maps them; empty while there is none. */
function readStatuses(folder) {
  const path = join(folder, 'packages', 'adapters', 'src', 'routes', 'problem.ts')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  return new Map([...text.matchAll(/^\s+([A-Z_]+): (\d{3}),$/gm)].map(([, code, status]) => [code, status]))
}

/**
 * Reads the rows `| CODE | meaning | origin | retryable | HTTP | what to do |`.
 *
 * @param {string} text
 */
function readRows(text) {
  const rows = new Map()
  for (const line of text.split('\n')) {
    const [code, meaning, origin, retryable, status, remedy] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    const name = /^`([A-Z_]+)`$/.exec(code ?? '')?.[1]
    if (name !== undefined) rows.set(name, { meaning, origin, retryable, status, remedy: remedy ?? '' })
  }
  return rows
}

/**
 * Every code is provoked by a test: its name stands in a test file of some package. Codes that nothing can provoke yet are data.
 *
 * @param {string} folder the repository
 * @param {Record<string, unknown>} errorTable
 * @param {Record<string, string>} [unreachable]
 * @returns {string[]}
 */
export function checkProvokedCodes(folder, errorTable, unreachable = unreachableCodes) {
  const tests = listFiles(join(folder, 'packages'), (name) => /^(?!contracts\/)[^/]+\/test\/.*\.ts$/.test(name))
  const text = tests.map((name) => readFileSync(join(folder, 'packages', name), 'utf8')).join('\n')
  const problems = []
  for (const code of Object.keys(errorTable)) {
    const isProvoked = new RegExp(`\\b${code}\\b`).test(text)
    if (!isProvoked && unreachable[code] === undefined) problems.push(`No test provokes ${code}.`)
    if (isProvoked && unreachable[code] !== undefined) problems.push(`A test provokes ${code}: take it off the list in tools/checks/error-data.mjs.`)
  }
  return problems
}
