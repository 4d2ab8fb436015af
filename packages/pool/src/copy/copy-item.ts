/**
 * What a copy consists of, in the order in which it travels: first every tenant, then database by database what the tenants made. A table is
 * followed by its rows (`Uint8Array`s of PostgreSQL's COPY text format, cut anywhere) and by their count and checksum.
 */
export type CopyItem = CopiedTenant | CopiedDatabase | CopiedOwner | CopiedStatement | CopiedTable | CopiedRows

/** A tenant: its role is made anew, with the name and password that it had. */
export interface CopiedTenant {
  readonly kind: 'tenant'
  readonly tenant: string
  readonly role: string
  readonly password: string
  /** As PostgreSQL writes it. */
  readonly createdAt: string
  readonly hasOwnDatabase: boolean
}

/** The database in which what follows lies: that of a tenant, or, with `null`, the one that tenants share. */
export interface CopiedDatabase {
  readonly kind: 'database'
  readonly role: string | null
  /** Provider, collation and character classes: by what it sorts and compares texts. */
  readonly locale?: string | undefined
  /** Name and schema. */
  readonly extensions: readonly (readonly [name: string, schema: string])[]
}

/** The tenant to whom what follows belongs. */
export interface CopiedOwner {
  readonly kind: 'owner'
  readonly role: string
  /** What was applied of its functions' migrations. */
  readonly migrations: readonly CopiedMigration[]
}

/** A row of the ledger of migrations. */
export interface CopiedMigration {
  readonly function: string
  readonly name: string
  readonly sha256: string
  readonly appliedAt: string
}

/** A statement that the tenant's role runs. */
export interface CopiedStatement {
  readonly kind: 'statement'
  /** What it makes, for people. */
  readonly object: string
  readonly text: string
}

/** A table whose rows follow. */
export interface CopiedTable {
  readonly kind: 'table'
  readonly schema: string
  readonly name: string
  /** Empty for all: a table may have none. */
  readonly columns: readonly string[]
}

/** The end of the rows of a table. */
export interface CopiedRows {
  readonly kind: 'rows'
  readonly rows: number
  /** Does not depend on the order of the rows; see `row-checksum.ts`. */
  readonly checksum: string
}
