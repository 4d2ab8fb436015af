/** What is in the databases and what the host answers, against what was acknowledged. */
import { openDatabase } from '@cordon/core/database'
import { createHash } from 'node:crypto'
import { ask, call } from './client.mjs'
import { accounts, tenants } from './functions.mjs'

const functionsDatabase = 'cordon_functions'

/** Compares all of it; gives a sentence for each violation. `things`: those who change what is deployed. */
export async function checkAll({ dataDir, host, ledger, things, random }) {
  const wrong = []
  const complain = (message) => wrong.push(message)
  const database = await openDatabase({ dataDir })
  const [store, functions] = await Promise.all([database.session(database.database), database.session(functionsDatabase)])
  try {
    const roles = new Map((await functions.run('select tenant, role from cordon.cordon_tenants')).rows)
    for (const tenant of tenants) await checkRows(functions, { ledger, tenant, role: roles.get(tenant), complain })
    await checkRecords(store, { ledger, complain })
    await checkVersions(store, complain)
    for (const one of things.functions) await checkFunction(store, { one, host, ledger, complain, random })
    await checkMigrations(functions, { one: things.migrated, role: roles.get(things.migrated.tenant), host, ledger, complain })
    await checkSecret(things.secret, host, complain)
  } finally {
    await Promise.all([store.close(), functions.close()])
    await database.close()
  }
  for (const { isLate, kind, id } of ledger.of('row')) if (isLate) complain(`${kind} ${id}: no answer in time`)
  return wrong
}

/** Each write is there as a whole or not at all, acknowledged ones are there, and money is neither made nor lost. */
async function checkRows(session, { ledger, tenant, role, complain }) {
  const { rows } = await session.run(`select op, count(*)::int from ${role}.rows group by op`)
  const counts = new Map(rows)
  for (const { id, act, state, expected, answer } of ledger.of('row').filter((entry) => entry.tenant === tenant)) {
    const count = counts.get(id) ?? 0
    counts.delete(id)
    const what = `${act} ${id} of ${tenant}, ${state}${answer === undefined ? '' : ` (${answer})`}, has ${count} of ${expected} rows`
    if (count !== 0 && count !== expected) complain(`${what}: half of it`)
    else if (state === 'acknowledged' && count === 0) complain(`${what}: lost`)
    else if ((state === 'never' || state === 'refused') && count > 0) complain(`${what}: it must not be there`)
  }
  if (counts.size > 0) complain(`rows of ${tenant} that nobody wrote: ${[...counts.keys()].join(', ')}`)
  const [[sum]] = (await session.run(`select sum(balance)::int from ${role}.accounts`)).rows
  if (sum !== accounts.count * accounts.balance) complain(`the accounts of ${tenant} hold ${sum}`)
}

/** The record of every call that returned is there: the host writes durable ones. */
async function checkRecords(session, { ledger, complain }) {
  const { rows } = await session.run('select invocation_id from cordon.invocations')
  const stored = new Set(rows.map(([id]) => id))
  for (const kind of ['row', 'call']) {
    const lost = ledger.of(kind).filter(({ state, invocationId }) => state === 'acknowledged' && !stored.has(invocationId))
    if (lost.length > 0) complain(`records of acknowledged calls are missing: ${lost.map(({ invocationId }) => invocationId).join(', ')}`)
  }
}

/** No version is half there. */
async function checkVersions(session, complain) {
  const half = await session.run(`select v.function, v.version from cordon.versions v
    where not exists (select from cordon.deployments d where (d.tenant, d.function, d.version) = (v.tenant, v.function, v.version))
      or not exists (select from cordon.functions f where (f.tenant, f.name) = (v.tenant, v.function))
    union all select f.name, f.live from cordon.functions f
    where not exists (select from cordon.versions v where (v.tenant, v.function, v.version) = (f.tenant, f.name, f.live))`)
  for (const [name, version] of half.rows) complain(`version ${version} of ${name} is half there`)
  const refused = await session.run(`select function, version from cordon.versions where position('refused-'::bytea in code) > 0`)
  for (const [name, version] of refused.rows) complain(`version ${version} of ${name} was refused and is there`)
}

async function checkFunction(session, { one, host, complain }) {
  const { name, tenant, live, versions } = one
  const where = `tenant = '${tenant}' and function = '${name}'`
  const { rows } = await session.run(`select version, hash, convert_from(code, 'UTF8') from cordon.versions where ${where}`)
  const [stored] = (await session.run(`select live from cordon.functions where tenant = '${tenant}' and name = '${name}'`)).rows
  const found = new Map(rows.map(([version, hash, code]) => [new RegExp(`${name}#\\d+`).exec(code)?.[0], { version, hash, code }]))
  const liveMark = [...found].find(([, { version }]) => version === stored?.[0])?.[0]
  const shown = `${name} of ${tenant}`
  // A removal takes the versions with it; whether an unacknowledged one was made says the function itself.
  const known = stored === undefined ? new Map() : versions
  for (const [mark, { version, hash }] of known) {
    const there = found.get(mark)
    if (there === undefined || there.version !== version) complain(`${shown}: the acknowledged deployment of ${mark} is lost`)
    else if (hash !== undefined && there.hash !== hash) complain(`${shown}: ${mark} has another content than it had`)
  }
  for (const [mark, { code, hash }] of found) {
    if (!versions.has(mark) && !(live.isOpen && live.next === mark)) complain(`${shown}: nobody was told of ${mark}, and it is there`)
    if (createHash('sha256').update(code).digest('hex') !== hash) complain(`${shown}: the code of ${mark} is not what was stored`)
  }
  const before = live.isOpen ? `${live.value} or ${live.next}` : live.value
  if (!live.settle(liveMark)) complain(`${shown}: ${liveMark} is live in the store, it should be ${before}`)
  versions.clear()
  for (const [mark, { version, hash }] of found) versions.set(mark, { version, hash })
  await checkAnswer(host, { name, tenant, mark: liveMark, version: stored?.[0], complain, before })
}

/** What the host has in memory and what it runs is what is in the store. */
async function checkAnswer(host, { name, tenant, mark, version, complain }) {
  const known = await ask(host.port, `/api/functions/${name}`, { tenant, method: 'GET' })
  const told = known.kind === 'done' ? known.value.version : known.code
  if (told !== (version ?? 'FUNCTION_NOT_FOUND')) complain(`${name} of ${tenant}: ${told} is live for the host, ${version} in the store`)
  if (version === undefined) return
  const { kind, value, code } = await call(host.port, name, { tenant })
  const said = value?.output?.said
  if (said !== mark) complain(`${name} of ${tenant} answers ${said ?? code ?? kind} instead of ${mark}`)
}

/** A migration is there as a whole or not at all, in order, and never without those before it. */
async function checkMigrations(session, { one, role, host, complain }) {
  const { tenant, live, name } = one
  const tables = await session.run(`select relname from pg_class where relnamespace = '${role}'::regnamespace and relkind = 'r'`)
  const names = tables.rows.map(([relname]) => relname)
  const steps = names.filter((relname) => relname.startsWith('step_')).map((relname) => Number(relname.slice(5)))
  const noted = names.includes('applied') ? (await session.run(`select number from ${role}.applied order by 1`)).rows.map(([number]) => number) : []
  if (steps.toSorted((a, b) => a - b).join() !== noted.join())
    complain(`migrations of ${tenant}: the tables ${steps.join()} and the rows ${noted.join()}`)
  if (noted.some((number, index) => number !== index + 1)) complain(`migrations of ${tenant} are not the first ones, each once: ${noted.join()}`)
  const refused = names.filter((relname) => relname.startsWith('refused_'))
  if (refused.length > 0) complain(`refused migrations of ${tenant} left ${refused.join(', ')}`)
  const { kind, value, code } = await call(host.port, name, { tenant })
  const number = code === 'FUNCTION_NOT_FOUND' ? 0 : Number(/^migrated#(\d+)$/.exec(value?.output?.said)?.[1])
  const before = live.isOpen ? `${live.value} or ${live.next}` : live.value
  // What was applied for a version that did not become live stays; the next deployment goes on behind it.
  if (noted.length < number || noted.length > number + 1)
    complain(`migrations of ${tenant}: ${noted.length} are applied and version ${number} is live`)
  if (!live.settle(number)) complain(`${name} of ${tenant} answers ${value?.output?.said ?? code ?? kind}, it should be ${before}`)
}

async function checkSecret({ tenant, value: word }, host, complain) {
  const { kind, value, code } = await call(host.port, 'secret', { tenant })
  const before = word.isOpen ? `${word.value} or ${word.next}` : word.value
  if (!word.settle(value?.output?.said)) complain(`the secret of ${tenant} is ${value?.output?.said ?? code ?? kind}, it should be ${before}`)
}
