/** Tenants of a run. */
export const tenants = ['default', 'north', 'south']
/** Accounts of each tenant, and what is in each at the start: transfers leave the sum as it is. */
export const accounts = { count: 10, balance: 100 }

/** Writes rows in every way that there is. `op` and `part` say who wrote a row. */
const rows = `
export const config = { database: true }
const insert = 'insert into rows (op, part) values ($1, $2)'
const acts = {
  read: (input, db) => db.query('select 1'),
  one: ({ op }, db) => db.query(insert, [op, 0]),
  batch: ({ op, parts }, db) => db.batch(Array.from({ length: parts }, (_, part) => ({ text: insert, values: [op, part] }))),
  transaction: ({ op, parts }, db) => db.transaction((tx) => insertAll(tx, op, parts)),
  slow: ({ op, parts }, db) => db.transaction(async (tx) => {
    await insertAll(tx, op, parts)
    await tx.query('select pg_sleep(0.05)')
    await tx.query(insert, [op, parts])
  }),
  thrown: ({ op, parts }, db) => db.transaction(async (tx) => {
    await insertAll(tx, op, parts)
    throw new Error('rolled back on purpose')
  }),
  abandoned: async ({ op, parts }, db) => {
    await new Promise((resolve, reject) => {
      db.transaction(async (tx) => {
        await insertAll(tx, op, parts)
        resolve()
        await new Promise(() => {})
      }).catch(reject)
    })
  },
  transfer: ({ from, to, op }, db) => db.transaction(async (tx) => {
    // In the order of their numbers: two transfers never wait for each other.
    for (const id of [from, to].sort()) await tx.query('update accounts set balance = balance + $2 where id = $1', [id, id === from ? -1 : 1])
    await tx.query(insert, [op, 0])
  }),
}
async function insertAll(tx, op, parts) {
  for (let part = 0; part < parts; part++) await tx.query(insert, [op, part])
}
/** @function */
export default async function rows(input, ctx) {
  await acts[input.act](input, ctx.db)
  return {}
}`

const rowsMigration = `
create table rows (op integer, part integer, primary key (op, part));
create table accounts (id integer primary key, balance integer not null);
insert into accounts select n, ${accounts.balance} from generate_series(0, ${accounts.count - 1}) as n;`

export const rowsUpload = { 'index.mjs': rows, 'migrations/0001_rows.sql': rowsMigration }

export const plainUpload = { 'index.mjs': '/** @function */\nexport default () => ({ plain: true })' }

export const secretUpload = {
  'index.mjs': "export const config = { secrets: ['WORD'] }\n/** @function */\nexport default (input, ctx) => ({ said: ctx.secrets.WORD })",
}

/** A version that says which one it is. */
export function markedUpload(mark) {
  return { 'index.mjs': `/** @function */\nexport default () => ({ said: '${mark}' })` }
}

/** A version that no analyzer lets through, which also says which one it is. */
export function refusedUpload(mark) {
  return { 'index.mjs': `/** @function */\nexport default () => ({ said: eval('${mark}') })` }
}

/** A version with the migrations up to number `last`; each makes a table and notes its number, in two statements. */
export function migratedUpload(last, bad) {
  const files = Object.fromEntries(Array.from({ length: last }, (_, index) => [migrationName(index + 1), migration(index + 1)]))
  const code = `export const config = { database: true }\n/** @function */\nexport default () => ({ said: 'migrated#${last}' })`
  const broken = bad === undefined ? {} : { [migrationName(last + 1)]: `create table refused_${bad} ();\nselect 1 / 0;` }
  return { 'index.mjs': code, ...files, ...broken }
}

function migrationName(number) {
  return `migrations/${String(number).padStart(4, '0')}_step.sql`
}

function migration(number) {
  const first = number === 1 ? 'create table applied (number integer);\n' : ''
  return `${first}create table step_${number} ();\ninsert into applied values (${number});`
}
