import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import {
  createFunctionDatabase,
  createSqlPool,
  createTenantLoader,
  dumpTenants,
  findUncopied,
  ItemReader,
  type CopyItem,
  type EmbeddedServer,
  type SqlPool,
} from '@cordon/pool'
import { describeCatalogue } from './support/catalogue.ts'
import { failureOf, startScratchServer } from './support/scratch.ts'

const everyKind = await readFile(new URL('../test/fixtures/every-kind.sql', import.meta.url), 'utf8')

type Part = CopyItem | Uint8Array

describe('a copy of the function database', function () {
  this.timeout(60_000)
  const removes: (() => Promise<void>)[] = []
  let source: EmbeddedServer
  let target: EmbeddedServer
  before(async () => {
    for (const { server, remove } of await Promise.all([startScratchServer(), startScratchServer()])) {
      removes.push(remove)
      if (removes.length === 1) source = server
      else target = server
    }
    for (const tenancy of ['schema', 'database'] as const) {
      const database = createFunctionDatabase({ admin: source.connection, tenancy })
      await database.prepare(tenancy)
      await database.close()
      const { role, password } = await roleOf(source, tenancy)
      const own = poolOf(source, { database: tenancy === 'schema' ? 'cordon_functions' : role, user: role, password })
      await own.query(everyKind)
      await own.close()
    }
    await asAdmin(source, "insert into cordon.cordon_migrations (tenant, function, name, sha256) values ('schema', 'f', '1.sql', 'a')")
    await asAdmin(
      source,
      "insert into cordon.cordon_migrations (tenant, function, name, sha256, xid) values ('schema', 'f', '2.sql', 'b', pg_current_xact_id())",
    )
  })
  after(() => Promise.all(removes.map((remove) => remove())))

  it('has one of every kind of thing that a tenant can make, and the same when it is copied again', async () => {
    expect(await findUncopied({ admin: source.connection })).to.deep.equal([])
    const parts = await dump(source)
    await load(target, parts)
    // Their order depends on row numbers.
    expect(itemsOf(await dump(target)).toSorted()).to.deep.equal(itemsOf(parts).toSorted())
    for (const tenant of ['schema', 'database']) {
      const [before, after] = await Promise.all([catalogueOf(source, tenant), catalogueOf(target, tenant)])
      // As a text of what differs, which can be read when there is something.
      const [missing, added] = [before.filter((line) => !after.includes(line)), after.filter((line) => !before.includes(line))]
      expect([...missing, ...added].join('\n')).to.equal('')
      expect(after).to.have.length(before.length).above(500)
    }
    expect(parts.filter((part) => !(part instanceof Uint8Array) && part.kind === 'statement')).to.have.length.above(250)
  })

  it('serves its tenants as before, each as itself', async () => {
    const database = createFunctionDatabase({ admin: target.connection })
    for (const tenant of ['schema', 'database']) {
      const session = database.session(tenant, Date.now() + 20_000)
      const { rows } = await session.query(
        "select count(*), max(id) + 1, nextval('people_id_seq'), nextval('counter'), current_setting('search_path') = current_user::text from people",
        [],
      )
      expect(rows).to.deep.equal([['500', '600', '600', '26', 't']])
      expect(
        (await session.query("select (select count(*) from sums), (select count(*) from happy), 1::int === 'sad'::mood", [])).rows,
      ).to.deep.equal([['0', '250', 'f']])
      expect((await session.query('select rolconnlimit > 0 from pg_roles where rolname = current_user', [])).rows).to.deep.equal([['t']])
      await session.end()
    }
    await database.close()
    // Whether the transaction of a migration was committed is asked at the source.
    const ledger = await asAdmin(target, 'select name, xid from cordon.cordon_migrations order by name')
    expect(ledger).to.deep.equal([
      { name: '1.sql', xid: null },
      { name: '2.sql', xid: null },
    ])
  })

  it('is whole although a tenant makes and drops tables all the while', async () => {
    const { role, password } = await roleOf(source, 'schema')
    const busy = poolOf(source, { database: 'cordon_functions', user: role, password })
    const over = new AbortController()
    async function change(): Promise<void> {
      // A statement that waits for a copy can run out of time.
      const run = (text: string): Promise<unknown> => busy.query(text).catch(() => undefined)
      while (!over.signal.aborted) {
        await run('create table brief as select 1 as n; create view brief_view as select * from brief')
        await run('drop table brief cascade')
      }
    }
    const changing = change()
    try {
      expect(await dump(source)).to.have.length.above(300)
    } finally {
      over.abort()
      await changing
      await busy.close()
    }
  })

  it('is refused where its roles are already, and leaves nothing', async () => {
    const loader = createTenantLoader({ admin: target.connection, database: 'second' })
    const error = await failureOf(load(target, await dump(source), loader))
    expect(error.message).to.match(/^Cannot create role "t_[0-9a-f]{16}": the server has one of that name/)
    await loader.clean()
    expect(await loader.isEmpty()).to.equal(true)
    await loader.close()
  })

  it('finds a row that was changed on the way', async () => {
    await createTenantLoader({ admin: target.connection }).clean()
    const parts = (await dump(source)).map((part) =>
      part instanceof Uint8Array ? Buffer.from(Buffer.from(part).toString('latin1').replace('name 77', 'name 78'), 'latin1') : part,
    )
    const error = await failureOf(load(target, parts))
    expect(error.message).to.match(
      /^Cannot copy table "t_[0-9a-f]{16}"."people" of tenant "schema": 500 rows with checksum [0-9a-f]{16} were sent, 500 with [0-9a-f]{16} are there$/,
    )
    await createTenantLoader({ admin: target.connection }).clean()
    expect(await asAdmin(target, "select rolname from pg_roles where rolname like 't\\_%'")).to.deep.equal([])
    expect(await asAdmin(target, "select datname from pg_database where datname like 't\\_%'")).to.deep.equal([])
  })

  it('does not run what is put in the place of a sequence meanwhile', async () => {
    const { role, password } = await roleOf(source, 'schema')
    const own = poolOf(source, { database: 'cordon_functions', user: role, password })
    const [row] = await asAdmin(source, "select current_setting('data_directory') || '/ran' as path")
    const path = String(row?.['path'])
    await own.query('create sequence racing')
    const dumping = await own.transaction(async (tx) => {
      await tx.query('drop sequence racing')
      await tx.query(`create function ran() returns bigint language plpgsql as $$ begin copy (select current_user) to '${path}'; return 1; end $$`)
      await tx.query('create view racing as select ran() as last_value, true as is_called')
      const begun = dump(source)
      while (
        (await asAdmin(source, "select 1 from pg_stat_activity where application_name = 'cordon copy' and wait_event_type = 'Lock'")).length === 0
      );
      return { begun }
    })
    expect(itemsOf(await dumping.begun).join('\n')).to.contain('CREATE VIEW')
    expect(existsSync(path)).to.equal(false)
    await own.query('drop view racing; drop function ran')
    await own.close()
  })

  it('does not run what a forged one has where the platform itself makes things', async () => {
    const tenant = {
      kind: 'tenant',
      tenant: 'x',
      role: 't_0123456789abcdef',
      password: 'a'.repeat(32),
      createdAt: '2026-01-01',
      hasOwnDatabase: false,
    } as const
    const shared = { kind: 'database', role: null, extensions: [] } as const
    const forged: readonly (readonly CopyItem[])[] = [
      [{ ...tenant, password: "x'; create role forged superuser; --" }],
      [{ ...tenant, role: 't_0123456789abcdef"; create role forged; --' }],
      [tenant, shared, { ...shared, extensions: [['pg_trgm', 'public']] }],
      [tenant, { ...shared, role: tenant.role }],
      [tenant, { ...shared, extensions: [['pg_trgm', tenant.role]] }],
      [tenant, { ...shared, extensions: [['pg_trgm', 'cordon']] }],
      [tenant, { kind: 'owner', role: tenant.role, migrations: [] }],
    ]
    for (const items of forged) {
      expect((await failureOf(load(target, items))).code).to.equal('INVALID_INPUT')
      await createTenantLoader({ admin: target.connection }).clean()
    }
    // Whatever is kept as a password is one for the platform's statements, too.
    const database = createFunctionDatabase({ admin: target.connection })
    await database.prepare('x')
    await asAdmin(target, `update cordon.cordon_tenants set password = 'x\\''; create role forged; --'`)
    await database.close()
    const again = createFunctionDatabase({ admin: target.connection })
    const session = again.session('x', Date.now() + 20_000)
    expect((await session.query('select 1', [])).rows).to.deep.equal([['1']])
    await session.end()
    await again.close()
    expect(await asAdmin(target, "select rolname from pg_roles where rolname = 'forged'")).to.deep.equal([])
    await createTenantLoader({ admin: target.connection }).clean()
  })

  it('has constraints that its rows do not keep any more, for new rows', async () => {
    const role = 't_0123456789abcdef'
    const statement = (text: string): CopyItem => ({ kind: 'statement', object: text.slice(0, 30), text })
    const items: readonly CopyItem[] = [
      { kind: 'tenant', tenant: 'x', role, password: 'a'.repeat(32), createdAt: '2026-01-01', hasOwnDatabase: false },
      { kind: 'database', role: null, locale: 'icu en-US', extensions: [] },
      { kind: 'owner', role, migrations: [] },
      ...[
        'CREATE DOMAIN later AS date',
        'CREATE TABLE offers (until date, again later, ref int)',
        'CREATE TABLE more () INHERITS (offers)',
        'CREATE TABLE goods (id int PRIMARY KEY)',
        "INSERT INTO offers VALUES ('2001-01-01', '2001-01-01', 7)",
        'ALTER TABLE offers ADD CONSTRAINT new CHECK (until > now())',
        'ALTER TABLE more ADD CONSTRAINT new CHECK (until > now())',
        'ALTER TABLE offers ADD CONSTRAINT known FOREIGN KEY (ref) REFERENCES goods',
        'ALTER DOMAIN later ADD CONSTRAINT late CHECK (value > now())',
      ].map(statement),
    ]
    const notes: string[] = []
    await load(target, items, createTenantLoader({ admin: target.connection, onNote: (note) => void notes.push(note) }))
    expect(notes).to.have.length(5)
    expect(notes.shift()).to.match(/^database "cordon_functions" sorts and compares texts by locale "libc C C", the source by "icu en-US": /)
    expect(notes[0]).to.equal(
      'tenant "x": ALTER TABLE offers ADD CONSTRA holds for new rows only (NOT VALID), because of the rows that are there: check constraint "new" of relation "offers" is violated by some row',
    )
    await createTenantLoader({ admin: target.connection }).clean()
    const error = await failureOf(load(target, [...items, statement('CREATE TABLE offers ()')]))
    expect(error.message).to.match(/^Cannot make CREATE TABLE offers \(\) of tenant "x": relation "offers" already exists/)
    await createTenantLoader({ admin: target.connection }).clean()
  })

  it('names what it cannot hold before it begins', async () => {
    const { role } = await roleOf(source, 'schema')
    await asAdmin(source, 'create table public.shared (n int)')
    await asAdmin(source, `create table ${role}.foreign_table (n int)`)
    await asAdmin(source, `create operator family ${role}.family using btree; alter operator family ${role}.family using btree owner to ${role}`)
    await asAdmin(source, `create role reader; grant select on ${role}.people to reader`)
    const problems = await findUncopied({ admin: source.connection })
    expect(problems.map((problem) => problem.replaceAll(role, 'ROLE'))).to.have.members([
      'table public.shared: it belongs to no tenant',
      'tenant "schema": table ROLE.foreign_table: it lies in the schema of a tenant and is not owned by it',
      'tenant "schema": operator family ROLE.family USING btree: a copy has no way to make it',
      'tenant "schema": TABLE ROLE.people names role reader, which is no tenant',
    ])
    expect((await failureOf(dump(source))).message).to.match(/^Cannot copy what tenant "schema" has in the database: /)
  })
})

async function dump(server: EmbeddedServer): Promise<Part[]> {
  const parts: Part[] = []
  for await (const part of dumpTenants({ admin: server.connection })) parts.push(part)
  return parts
}

async function load(server: EmbeddedServer, parts: readonly Part[], loader = createTenantLoader({ admin: server.connection })): Promise<void> {
  const reader = new ItemReader(each(parts))
  try {
    for (let item = await reader.next(); item !== undefined; item = await reader.next()) await loader.load(item, reader)
  } finally {
    await loader.close()
  }
}

async function* each(parts: readonly Part[]): AsyncGenerator<Part> {
  yield* parts
}

function itemsOf(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => (part instanceof Uint8Array ? [] : [JSON.stringify(part)]))
}

function poolOf(server: EmbeddedServer, more: { database: string; user?: string; password?: string }): SqlPool {
  return createSqlPool({
    connection: { ...server.connection, ...more },
    max: 1,
    acquireTimeoutMs: 5000,
    queryTimeoutMs: 20_000,
    applicationName: 'test',
  })
}

async function asAdmin(server: EmbeddedServer, text: string): Promise<readonly Record<string, unknown>[]> {
  const pool = poolOf(server, { database: 'cordon_functions' })
  try {
    return (await pool.query(text)).rows
  } finally {
    await pool.close()
  }
}

/** What the catalogues say of a tenant, line by line. */
async function catalogueOf(server: EmbeddedServer, tenant: string): Promise<readonly string[]> {
  const { role } = await roleOf(server, tenant)
  const pool = poolOf(server, { database: tenant === 'schema' ? 'cordon_functions' : role })
  try {
    return await describeCatalogue(pool, role)
  } finally {
    await pool.close()
  }
}

async function roleOf(server: EmbeddedServer, tenant: string): Promise<{ role: string; password: string }> {
  const [row] = await asAdmin(server, `select role, password from cordon.cordon_tenants where tenant = '${tenant}'`)
  return { role: String(row?.['role']), password: String(row?.['password']) }
}
