import type { CopiedStatement, CopiedTable } from './copy-item.ts'
import type { CopyClient } from './copy-client.ts'
import { ranks, type Definition } from './definition.ts'
import { inOrder } from './definition-order.ts'
import { functionDefinitions } from './function-definitions.ts'
import { defaultRightStatements, foreignRoles, rightStatements } from './right-definitions.ts'
import { belongings, commentStatements, dependencyRows, objectNames, roleSettings, unreadable } from './schema-queries.ts'
import { checkOrder, connections, rowSources, sequenceValues, tableDefinitions, tableSettings } from './table-definitions.ts'
import { typeDefinitions } from './type-definitions.ts'

/** How what a tenant has in a database is made anew, or why it cannot be. */
export interface SchemaPlan {
  readonly steps: readonly (CopiedStatement | CopiedTable)[]
  /** What cannot be copied, by name; when there is something, `steps` need not be whole. */
  readonly problems: readonly string[]
}

/** Reads what a role has in the database of `client`, whose search path is empty: so every name is written with its schema. */
export async function planSchema(client: CopyClient, role: string, roles: readonly string[]): Promise<SchemaPlan> {
  const { definitions, tables } = await readDefinitions(client, role)
  const graph = await Graph.read(client, role, definitions)
  const problems = await findProblems(client, graph, { role, roles })
  const order = inOrder(graph.definitions, graph.needs)
  if ('circle' in order) {
    const names = [...(await namesOf(client, order.circle)).values()]
    return { steps: [], problems: [...problems, `${names.join(', ')}: they need each other`] }
  }
  const names = await namesOf(
    client,
    order.ordered.map(({ key }) => key),
  )
  const steps = order.ordered.flatMap(({ key, statements }): readonly (CopiedStatement | CopiedTable)[] => {
    const table = tables.get(key)
    return table === undefined ? statements.map((text) => statement(text, names.get(key))) : [table]
  })
  return { steps: [...steps, ...(await lastStatements(client, role, graph))], problems }
}

function statement(text: string, object = text.slice(0, 100)): CopiedStatement {
  return { kind: 'statement', object, text }
}

async function readDefinitions(client: CopyClient, role: string): Promise<{ definitions: Definition[]; tables: ReadonlyMap<string, CopiedTable> }> {
  const definitions: Definition[] = []
  for (const { rank, text } of [...typeDefinitions, ...functionDefinitions, ...tableDefinitions]) {
    for (const [catalogue, oid, table, statements] of await client.ask(text, [role]))
      definitions.push({ key: `${catalogue}/${oid}`, rank, needs: table ? [`rows/${table}`] : [], statements: listOf(statements) })
  }
  for (const text of connections) {
    for (const [made, one, other] of await client.ask(text, [role]))
      definitions.push({ key: `connection/${definitions.length}`, rank: ranks.column, needs: [one ?? '', other ?? ''], statements: [made ?? ''] })
  }
  const tables = new Map<string, CopiedTable>()
  for (const [oid, relation, kind, schema, name, columns] of await client.ask(rowSources, [role])) {
    const key = `rows/${oid}`
    const isView = kind === 'm'
    const statements = isView ? [`REFRESH MATERIALIZED VIEW ${textOf(columns)}`] : []
    definitions.push({ key, rank: isView ? ranks.refresh : ranks.rows, needs: [relation ?? ''], statements })
    if (!isView) tables.set(key, { kind: 'table', schema: schema ?? '', name: name ?? '', columns: listOf(columns) })
  }
  return { definitions, tables }
}

/** Definitions and what they need of each other. */
class Graph {
  readonly definitions: readonly Definition[]
  readonly needs = new Map<string, Set<string>>()
  readonly #known: ReadonlySet<string>
  /** What is a part of something else, which makes it: the type of a table's rows, the index of a constraint. */
  readonly #wholes = new Map<string, string>()

  private constructor(definitions: readonly Definition[]) {
    this.definitions = definitions
    this.#known = new Set(definitions.map(({ key }) => key))
  }

  static async read(client: CopyClient, role: string, definitions: readonly Definition[]): Promise<Graph> {
    const graph = new Graph(definitions)
    const rows = await client.ask(dependencyRows, [role])
    for (const [catalogue, oid, otherCatalogue, otherOid, kind, isDefault] of rows) {
      // The expression of a generated column is a part of its table.
      if (kind === 'i' || (kind === 'a' && isDefault === 't')) graph.#wholes.set(`${catalogue}/${oid}`, `${otherCatalogue}/${otherOid}`)
    }
    for (const [catalogue, oid, otherCatalogue, otherOid] of rows) graph.#add(`${catalogue}/${oid}`, `${otherCatalogue}/${otherOid}`)
    for (const { key, needs } of definitions) for (const one of needs) graph.#add(key, one)
    for (const [parent, child] of await client.ask(checkOrder, [role])) graph.#add(parent ?? '', child ?? '')
    graph.#refreshLast()
    return graph
  }

  /** The key of the definition that makes this; `undefined` when none does. */
  makerOf(key: string): string | undefined {
    const seen = new Set<string>()
    for (let at: string | undefined = key; at !== undefined && !seen.has(at); at = this.#wholes.get(at)) {
      if (this.#known.has(at)) return at
      seen.add(at)
    }
    return undefined
  }

  #add(key: string, other: string): void {
    const [from, to] = [this.makerOf(key), this.makerOf(other)]
    if (from === undefined || to === undefined || from === to) return
    const set = this.needs.get(from) ?? new Set()
    this.needs.set(from, set.add(to))
  }

  /** A materialized view is filled when everything has its rows that it reads, also through other views. */
  #refreshLast(): void {
    for (const { key, rank } of this.definitions) {
      if (rank !== ranks.refresh) continue
      const reached = new Set([key])
      for (const one of reached) for (const next of this.needs.get(one) ?? []) reached.add(next)
      for (const one of reached) this.#add(key, `rows/${one.slice(one.indexOf('/') + 1)}`)
    }
  }
}

async function findProblems(
  client: CopyClient,
  graph: Graph,
  { role, roles }: { role: string; roles: readonly string[] },
): Promise<readonly string[]> {
  const problems: string[] = []
  for (const [catalogue, oid, name, isOwned] of await client.ask(belongings, [role])) {
    const key = `${catalogue}/${oid}`
    const maker = graph.makerOf(key)
    if (maker === undefined) problems.push(`${name}: a copy has no way to make it`)
    else if (maker === key && isOwned !== 't') problems.push(`${name}: it lies in the schema of a tenant and is not owned by it`)
  }
  for (const [state] of await client.ask(unreadable, [role])) problems.push(state ?? '')
  const known = [...roles, (await client.ask('SELECT current_user'))[0]?.[0] ?? '']
  for (const [state] of await client.ask(foreignRoles, [role, arrayOf(known)])) problems.push(`${state}, which is no tenant`)
  return problems
}

async function lastStatements(client: CopyClient, role: string, graph: Graph): Promise<readonly CopiedStatement[]> {
  const texts: string[] = []
  for (const [name, called] of await client.ask(sequenceValues, [role])) {
    // Where one stands that was not used since it was set is told by itself only. No cast: by now the name may be that of a table, and the cast a tenant's.
    const [row] = called === null ? await client.ask(`SELECT last_value, is_called FROM ${name}`) : [[called, 't']]
    texts.push(`SELECT pg_catalog.setval('${String(name).replaceAll("'", "''")}', ${BigInt(row?.[0] ?? 1)}, ${row?.[1] === 't'})`)
  }
  for (const query of [...tableSettings, ...rightStatements, ...defaultRightStatements, roleSettings])
    for (const [text] of await client.ask(query, [role])) texts.push(text ?? '')
  const keys = graph.definitions.map(({ key }) => key)
  for (const [text] of await client.ask(commentStatements, catalogueLists(keys))) texts.push(text ?? '')
  return texts.map((text) => statement(text))
}

async function namesOf(client: CopyClient, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await client.ask(objectNames, catalogueLists(keys))
  return new Map(rows.map(([catalogue, oid, name]) => [`${catalogue}/${oid}`, name ?? '']))
}

/** Keys that are rows of a catalogue, as the two lists that queries take. */
function catalogueLists(keys: readonly string[]): readonly string[] {
  const pairs = keys.map((key) => key.split('/')).filter(([catalogue]) => /^\d+$/.test(catalogue ?? ''))
  return [0, 1].map((at) => `{${pairs.map((pair) => pair[at]).join(',')}}`)
}

/** A list of names as PostgreSQL reads it. */
export function arrayOf(names: readonly string[]): string {
  return `{${names.map((name) => `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join(',')}}`
}

function listOf(json: string | null | undefined): string[] {
  const parsed: unknown = JSON.parse(json ?? '[]')
  return Array.isArray(parsed) ? parsed.map(String) : []
}

function textOf(json: string | null | undefined): string {
  return String(JSON.parse(json ?? '""'))
}
