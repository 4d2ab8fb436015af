import { PlatformError } from '@cordon/contracts'
import type { SqlConnection } from '../sql/sql-connection.ts'
import { createSqlPool, type SqlPool } from '../sql/sql-pool.ts'
import { inDatabase, quote, setUpDatabase } from '../tenants/schema-setup.ts'
import { removeRole, type RemovableTenant } from '../tenants/remove-role.ts'
import { ensureSchema, restoreRole } from '../tenants/tenant-role.ts'
import { openCopyClient, type CopyClient } from './copy-client.ts'
import type { CopiedDatabase, CopiedOwner, CopiedRows, CopiedStatement, CopiedTenant, CopyItem } from './copy-item.ts'
import { writeTable } from './copy-rows.ts'
import type { ItemReader } from './item-reader.ts'
import { databaseLocale } from './schema-queries.ts'
import { ofTenant } from './tenant-error.ts'
import type { TenantDumpOptions } from './tenant-dump.ts'

/** Makes tenants anew from the items of a copy. */
export interface TenantLoader {
  /**
   * Whether there is no tenant yet.
   *
   * @throws PlatformError STORE_UNAVAILABLE
   */
  isEmpty(): Promise<boolean>
  /**
   * Does what one item says; the rows that belong to a table are taken from `reader`. Whatever a tenant wrote runs as that tenant.
   *
   * @throws PlatformError STORE_UNAVAILABLE, INVALID_INPUT
   */
  load(item: CopyItem, reader: ItemReader<unknown>): Promise<CopiedRows | undefined>
  /** Removes every tenant: what an interrupted attempt left, in a database that was empty before. */
  clean(): Promise<void>
  close(): Promise<void>
}

/** Options of `createTenantLoader`. */
export interface TenantLoadOptions extends TenantDumpOptions {
  /** Is told what is not quite as it was at the source. */
  readonly onNote?: ((note: string) => void) | undefined
}

/** Long enough for everything but tables, for which no limit holds, in milliseconds. */
const setupTimeoutMs = 60_000

const rolePattern = /^t_[0-9a-f]{16}$/

/** Opens the function database to load a copy into it. Nothing is created before it is needed. */
export function createTenantLoader(options: TenantLoadOptions): TenantLoader {
  return new Loader(options)
}

class Loader implements TenantLoader {
  readonly #admin: SqlConnection
  readonly #shared: string
  readonly #passwords = new Map<string, CopiedTenant>()
  /** Databases that are there, by name. What the platform itself does in one comes before anything of a tenant is in it. */
  readonly #entered = new Set<string>()
  readonly #onNote: ((note: string) => void) | undefined
  #store: SqlPool | undefined
  /** Where what comes belongs. */
  #database = ''
  #client: CopyClient | undefined
  /** Whose things come. */
  #tenant = ''

  constructor({ admin, database = `${admin.database}_functions`, onNote }: TenantLoadOptions) {
    this.#admin = admin
    this.#onNote = onNote
    this.#shared = database
  }

  async isEmpty(): Promise<boolean> {
    const pool = this.#open(this.#shared)
    try {
      const { rows } = await pool.query<{ known: boolean }>("SELECT to_regclass('cordon.cordon_tenants') IS NOT NULL AS known")
      if (rows[0]?.known !== true) return true
      return (await pool.query('SELECT 1 FROM cordon.cordon_tenants LIMIT 1')).rows.length === 0
    } catch (error) {
      // 3D000: there is no such database.
      if (error instanceof PlatformError && error.details['code'] === '3D000') return true
      throw error
    } finally {
      await pool.close()
    }
  }

  async load(item: CopyItem, reader: ItemReader<unknown>): Promise<CopiedRows | undefined> {
    switch (item.kind) {
      case 'tenant':
        await this.#addTenant(item)
        return undefined
      case 'database':
        await this.#enterDatabase(item)
        return undefined
      case 'owner':
        await this.#enterSchema(item)
        return undefined
      case 'statement':
        await this.#run(item)
        return undefined
      case 'table':
        return writeTable(this.#current(), item, reader.rows(), async () => rowsFrom(await reader.next())).catch((error: unknown) =>
          Promise.reject(ofTenant(error, this.#tenant)),
        )
      case 'rows':
        throw new PlatformError('INVALID_INPUT', 'Cannot load the copy: a table ends that did not begin')
    }
  }

  async #addTenant(item: CopiedTenant): Promise<void> {
    checkTenant(item)
    const store = (this.#store ??= await this.#prepareShared())
    this.#passwords.set(item.role, item)
    await store.transaction(async (tx) => {
      await restoreRole(tx, item)
      if (!item.hasOwnDatabase) await ensureSchema(tx, item.role, this.#shared)
    })
  }

  async #enterDatabase({ role, extensions, locale }: CopiedDatabase): Promise<void> {
    await this.#leave()
    this.#store ??= await this.#prepareShared()
    this.#database = role ?? this.#shared
    checkExtensions(extensions)
    if (this.#entered.has(this.#database)) throw new PlatformError('INVALID_INPUT', `Cannot load the copy: database "${this.#database}" comes twice`)
    this.#entered.add(this.#database)
    if (role !== null) {
      if (this.#passwords.get(role)?.hasOwnDatabase !== true) throw unknownRole(role)
      await this.#inDatabase(role, async (pool) => pool.transaction((tx) => ensureSchema(tx, role, role)))
    }
    const pool = this.#open(this.#database)
    try {
      const here = (await pool.query<{ locale: string }>(databaseLocale)).rows[0]?.locale ?? ''
      if (locale !== undefined && plain(locale) !== plain(here))
        this.#onNote?.(
          `database "${this.#database}" sorts and compares texts by locale "${here}", the source by "${locale}": orders and upper and lower case can differ`,
        )
      for (const [name, schema] of extensions) {
        if (schema !== 'pg_catalog') await pool.query(`CREATE SCHEMA IF NOT EXISTS ${quote(schema)}`)
        await pool
          .query(`CREATE EXTENSION IF NOT EXISTS ${quote(name)} WITH SCHEMA ${quote(schema)}`)
          .catch((error: unknown) => Promise.reject(refused(`extension ${name}`, error)))
      }
    } finally {
      await pool.close()
    }
  }

  async #enterSchema({ role, migrations }: CopiedOwner): Promise<void> {
    await this.#leave()
    const tenant = this.#passwords.get(role)
    if (tenant === undefined || this.#store === undefined || !this.#entered.has(this.#database)) throw unknownRole(role)
    for (const { function: name, name: file, sha256, appliedAt } of migrations) {
      await this.#store.query('INSERT INTO cordon.cordon_migrations (tenant, function, name, sha256, applied_at) VALUES ($1, $2, $3, $4, $5)', [
        tenant.tenant,
        name,
        file,
        sha256,
        appliedAt,
      ])
    }
    this.#tenant = tenant.tenant
    const connection = { ...this.#admin, database: this.#database, user: role, password: tenant.password }
    // What is lost with the server now is loaded again anyway.
    this.#client = await openCopyClient(connection, { set: [`search_path = ${quote(role)}`, 'synchronous_commit = off'] })
  }

  async #run({ object, text }: CopiedStatement): Promise<void> {
    const client = this.#current()
    const first = await client.ask(text).then(
      () => undefined,
      (error: unknown) => refused(`${object} of tenant "${this.#tenant}"`, error),
    )
    if (first === undefined) return
    if (!isBrokenConstraint(text, first)) throw first
    await client.ask(`${text} NOT VALID`).catch(() => Promise.reject(first))
    this.#onNote?.(
      `tenant "${this.#tenant}": ${object} holds for new rows only (NOT VALID), because of the rows that are there: ${reasonOf(first.cause)}`,
    )
  }

  #current(): CopyClient {
    if (this.#client === undefined) throw new PlatformError('INVALID_INPUT', 'Cannot load the copy: something in it belongs to no tenant')
    return this.#client
  }

  async #leave(): Promise<void> {
    await this.#client?.close()
    this.#client = undefined
  }

  #open(database: string): SqlPool {
    return createSqlPool({
      connection: { ...this.#admin, database },
      max: 1,
      acquireTimeoutMs: setupTimeoutMs,
      queryTimeoutMs: setupTimeoutMs,
      applicationName: 'cordon copy',
    })
  }

  async #inDatabase(database: string, work: (pool: SqlPool) => Promise<void>): Promise<void> {
    await inDatabase(database, { open: (name) => this.#open(name), admin: this.#admin.database }, async (pool) => {
      await setUpDatabase(pool, database, undefined)
      await work(pool)
    })
  }

  async #prepareShared(): Promise<SqlPool> {
    await this.#inDatabase(this.#shared, async () => undefined)
    return this.#open(this.#shared)
  }

  async clean(): Promise<void> {
    await this.#leave()
    if (await this.isEmpty()) return
    const shared = this.#open(this.#shared)
    const admin = this.#open(this.#admin.database)
    try {
      const { rows } = await shared.query<RemovableTenant>('SELECT tenant, role, database FROM cordon.cordon_tenants')
      for (const tenant of rows) await removeRole({ shared, admin }, tenant)
    } finally {
      await Promise.all([shared.close(), admin.close()])
    }
  }

  async close(): Promise<void> {
    await this.#leave()
    await this.#store?.close()
    this.#store = undefined
  }
}

/** What follows the rows of a table, when it is their end. */
export function rowsFrom(item: unknown): CopiedRows | undefined {
  if (typeof item !== 'object' || item === null || !('kind' in item) || item.kind !== 'rows') return undefined
  if (!('rows' in item) || typeof item.rows !== 'number' || !('checksum' in item) || typeof item.checksum !== 'string') return undefined
  return { kind: 'rows', rows: item.rows, checksum: item.checksum }
}

/**
 * A copy may be forged, and its checksum has no key: what becomes a part of a statement of the platform has to look as the platform makes it. Statements of
 * a copy run as the tenant.
 */
function checkTenant({ role, password, tenant, hasOwnDatabase }: CopiedTenant): void {
  const isGiven = typeof tenant === 'string' && typeof hasOwnDatabase === 'boolean' && typeof role === 'string' && typeof password === 'string'
  if (!isGiven || !rolePattern.test(role)) throw new PlatformError('INVALID_INPUT', `Cannot load the copy: "${role}" is no role of a tenant`)
  if (!/^[\w-]{16,128}$/.test(password))
    throw new PlatformError('INVALID_INPUT', `Cannot load the copy: what it has as the password of "${role}" is none`)
}

/** The statements of an extension run as the platform, and find first what is in the schema that they are given: it must be nobody's. */
function checkExtensions(extensions: CopiedDatabase['extensions']): void {
  const [wrong] = extensions.find(([, schema]) => schema === 'cordon' || rolePattern.test(schema)) ?? []
  if (wrong === undefined) return
  throw new PlatformError('INVALID_INPUT', `Cannot load the copy: extension "${wrong}" is in a schema that is not its own`)
}

/** One locale has several spellings: en_US.UTF-8, en_US.utf8. */
function plain(locale: string): string {
  return locale.toLowerCase().replaceAll('-', '')
}

function unknownRole(role: string): PlatformError {
  return new PlatformError('INVALID_INPUT', `Cannot load the copy: it has things of "${role}", which is none of its tenants`)
}

/**
 * Whether a constraint cannot be made because of rows (or of one on a parent for which that was so): what a check asks may have changed since
 * (`now()`), and triggers can leave references broken. 0A000: rows that have a domain inside of other types are not looked at.
 */
function isBrokenConstraint(text: string, { details }: PlatformError): boolean {
  const isOfTable = /^ALTER TABLE .* ADD CONSTRAINT /s.test(text)
  if (!isOfTable && !/^ALTER DOMAIN .* ADD CONSTRAINT /s.test(text)) return false
  return (isOfTable ? ['23514', '23503', '42P17'] : ['23514', '0A000']).includes(String(details['sqlState']))
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^Cannot [^:]*: /, '') : String(error)
}

function refused(object: string, error: unknown): PlatformError {
  return new PlatformError('STORE_UNAVAILABLE', `Cannot make ${object}: ${reasonOf(error)}`, {
    cause: error,
    ...(error instanceof PlatformError ? { details: error.details } : {}),
  })
}
