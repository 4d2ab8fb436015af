import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ts } from 'ts-morph'
import { commandTables } from './reference-commands.mjs'

/** Table name -> the interface that documents its rows, the option table that holds defaults, and where the rows are in the platform's options. */
const tables = {
  platform: {
    path: [],
    file: 'options/platform-options.ts',
    type: 'ResolvedPlatformOptions',
    rows: (contracts) => contracts.platformOptionTable(surroundings),
  },
  packages: {
    path: ['packages'],
    file: 'options/platform-options.ts',
    type: 'PackageOptions',
    rows: (contracts) => defaultsOf(contracts, 'packages'),
  },
  analyzer: {
    path: ['analyzer'],
    file: 'options/platform-options.ts',
    type: 'AnalyzerOptions',
    rows: (contracts) => defaultsOf(contracts, 'analyzer'),
  },
  database: { path: ['database'], file: 'options/database.ts', type: 'DatabaseOptions', rows: (contracts) => contracts.databaseTable },
  limits: { path: ['limits'], file: 'options/limits.ts', type: 'Limits', rows: (contracts) => contracts.limitTable },
  scheduling: { path: ['scheduling'], file: 'options/scheduling.ts', type: 'SchedulingOptions', rows: (contracts) => contracts.schedulingTable },
  net: { path: ['net'], file: 'options/net.ts', type: 'NetOptions', rows: (contracts) => contracts.netTable },
  http: { path: ['http'], file: 'options/http.ts', type: 'HttpOptions', rows: (contracts) => contracts.httpTable(surroundings.isProduction) },
  cors: { path: ['http', 'cors'], file: 'options/http.ts', type: 'CorsOptions', rows: (contracts) => defaultsIn(contracts.httpTable(false).cors) },
  rateLimit: {
    path: ['http', 'rateLimit'],
    file: 'options/http.ts',
    type: 'RateLimitOptions',
    rows: (contracts) => defaultsIn(contracts.httpTable(false).rateLimit),
  },
  log: { path: ['log'], file: 'options/log-options.ts', type: 'LogOptions', rows: (contracts) => contracts.logTable },
  metrics: { path: ['metrics'], file: 'options/metrics-options.ts', type: 'MetricsOptions', rows: (contracts) => contracts.metricsTable },
  records: { path: ['records'], file: 'options/record-options.ts', type: 'RecordOptions', rows: (contracts) => contracts.recordTable },
  backup: { path: ['backup'], file: 'options/backup-options.ts', type: 'BackupOptions', rows: (contracts) => contracts.backupTable },
  allow: {
    path: ['allow'],
    file: 'options/allow.ts',
    type: 'AllowRules',
    rows: ({ allowTable }) => without(allowTable, ['approve', 'approveMs', 'tenants']),
  },
  allowLimits: {
    path: ['allow', 'limits'],
    file: 'options/allow.ts',
    type: 'AllowedLimits',
    rows: (contracts) => defaultsIn(contracts.allowTable.limits),
  },
  approval: {
    path: ['allow'],
    file: 'options/allow.ts',
    type: 'AllowOptions',
    rows: ({ allowTable }) => without(allowTable, ['database', 'net', 'secrets', 'functions', 'packages', 'limits']),
  },
  config: { file: 'function-config.ts', type: 'FunctionConfig', rows: (contracts) => contracts.functionConfigTable },
}

/** What the table is rendered for; defaults that depend on it are told in words by the doc comments. */
const surroundings = { workingDirectory: '.', isProduction: false }

/**
 * Replaces the content of every `<!-- table: name -->` … `<!-- end of table -->` by the table as it is now.
 *
 * @param {string} folder the repository
 * @param {string} text
 * @param {Record<string, any>} contracts the built package, with the `rules` of the analyzer
 */
export function renderBlocks(folder, text, contracts) {
  return text.replace(
    /(<!-- table: (\w+) -->\n)[\s\S]*?(<!-- end of table -->)/g,
    (_, start, name, end) => `${start}\n${renderTable(folder, name, contracts)}\n\n${end}`,
  )
}

function renderTable(folder, name, contracts) {
  if (name === 'rules') return renderRules(contracts.rules)
  if (name in commandTables) return commandTables[name](contracts.commands)
  const table = tables[name]
  if (table === undefined) throw new Error(`Cannot render the table "${name}": expected one of ${Object.keys(tables).join(', ')}`)
  const members = readMembers(join(folder, 'packages', 'contracts', 'src', table.file), table.type)
  const listed = contracts.listOptions(contracts.platformOptionTable(surroundings))
  const rows = Object.entries(table.rows(contracts)).map(([key, row]) => {
    const member = members.get(key)
    if (member === undefined || member.text === '') throw new Error(`Cannot render the table "${name}": ${table.type} says nothing about "${key}"`)
    return `| \`${key}\` | ${cell(member.type)} | ${member.default ?? showDefault(row.default())} | ${member.text} |${table.path === undefined ? '' : ` ${variableOf(listed, [...table.path, key].join('.'))} |`}`
  })
  const columns = ['name', 'type', 'default', 'meaning', ...(table.path === undefined ? [] : ['variable'])]
  return [`| ${columns.join(' | ')} |`, `|${'---|'.repeat(columns.length)}`, ...rows].join('\n')
}

/** The environment variable of an option, if it can be given by one. */
function variableOf(listed, path) {
  const { row, variable } = listed.find((one) => one.path === path)
  return row.form === undefined && row.rows === undefined ? 'none' : `\`${variable}\``
}

/** The rules of the analyzer, in the order of their names. */
function renderRules(rules) {
  const rows = rules
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, severity, summary }) => `| \`${id}\` | ${severity} | ${oneLine(summary)} |`)
  return ['| rule | severity | what it asks |', '|---|---|---|', ...rows].join('\n')
}

function cell(type) {
  const name = type
    .replace(/^Readonly<(.*)>$/, '$1')
    .replace(/\breadonly /g, '')
    .replace(/ \| undefined$/, '')
    .replaceAll('|', '\\|')
  return `\`${name}\``
}

function showDefault(value) {
  if (value === undefined) return 'none'
  if (value !== null && typeof value === 'object')
    return Array.isArray(value) && value.length === 0 ? 'none' : Object.keys(value).length === 0 ? 'none' : 'see below'
  return `\`${JSON.stringify(value)}\``
}

/** Name -> type, default and text of every member of an interface, from its source. */
function readMembers(path, name) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const members = new Map()
  source.forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== name) return
    for (const member of node.members) {
      if (!ts.isPropertySignature(member)) continue
      const comment = (member.jsDoc ?? []).at(-1)
      const tag = (comment?.tags ?? []).find((one) => one.tagName.text === 'default')
      members.set(member.name.getText(), {
        type: member.type?.getText() ?? 'unknown',
        text: oneLine(ts.getTextOfJSDocComment(comment?.comment)),
        default: tag === undefined ? undefined : code(oneLine(ts.getTextOfJSDocComment(tag.comment))),
      })
    }
  })
  return members
}

/** Literal defaults are shown as code, sentences as they are. */
function code(text) {
  return /^('[^']*'|\d+|true|false)$/.test(text) ? `\`${text}\`` : text
}

function oneLine(text = '') {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()
}

function defaultsOf(contracts, group) {
  return defaultsIn(contracts.platformOptionTable(surroundings)[group])
}

function defaultsIn(row) {
  return Object.fromEntries(Object.entries(row.default()).map(([key, value]) => [key, { default: () => value }]))
}

function without(table, names) {
  return Object.fromEntries(Object.entries(table).filter(([key]) => !names.includes(key)))
}
